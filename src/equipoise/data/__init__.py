"""One way in for built-in sets, the Hugging Face Hub, folders, arrays and tables."""
