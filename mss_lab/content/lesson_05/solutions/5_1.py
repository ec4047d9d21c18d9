answer = "E"
