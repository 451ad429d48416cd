"""Cash shifts and the closing report."""
