"""What programs really call: recording it, keeping it, and showing it."""
