"""What operators see: log lines, status, reports."""
