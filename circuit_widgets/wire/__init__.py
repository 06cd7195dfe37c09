"""What is said between the kernel and a page."""
