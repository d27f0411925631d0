-- The user with which checkout connects. In AWS, a person creates it once in each environment.
CREATE USER readwrite_checkout;
GRANT rds_iam TO readwrite_checkout;
GRANT USAGE, CREATE ON SCHEMA public TO readwrite_checkout;
