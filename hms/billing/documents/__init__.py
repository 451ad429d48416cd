"""Invoice and receipt: content, layout, print jobs."""
