-- The user with which payment-processor connects. In AWS, a person creates it once in each environment.
CREATE USER readwrite_payment_processor;
GRANT rds_iam TO readwrite_payment_processor;
GRANT USAGE, CREATE ON SCHEMA public TO readwrite_payment_processor;
