"""What an operator asks: explain, simulate, status, report, health."""
