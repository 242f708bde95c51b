"""What the Lambdas share of AWS: the objects, the two tables, the message, the log lines and the metrics."""
