answer = "none"
