"""Released statistics: rounded tables of closed periods, which scripts and the public may read."""
