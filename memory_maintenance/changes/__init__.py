"""What maintenance changed or proposes to change of agents' memories: recorded, reviewed, and taken back."""
