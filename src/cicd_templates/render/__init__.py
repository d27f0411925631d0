"""Turn layers into the reviewed files of `out/`. Pure and offline: no AWS, no clock."""
