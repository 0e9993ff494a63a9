"""From a study's tables to pictures, notebook and report."""
