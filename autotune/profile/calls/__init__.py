"""Recording what a program calls: counted, clocked now and then, and written down as it happens."""
