package admin

// OverwriteProblem is what the status says of a file system.
func OverwriteProblem(overwrites bool, err error) string { return overwriteProblem(overwrites, err) }
