"""What commands share: the session, options, questions, and the steps that several of them take."""
