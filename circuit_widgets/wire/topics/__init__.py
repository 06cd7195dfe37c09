"""What each topic's view is told, as blocks; one file a topic."""
