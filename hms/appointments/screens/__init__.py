"""Wall screens: a link with a secret opens the called numbers on a wall PC where nobody is signed in."""
