package torproc

import (
	"fmt"
	"os/exec"
	"path/filepath"
)

// Find returns the path of an installed program of the tor package. It looks
// in PATH, then in the folders where systems put it that leave them out of an
// ordinary user's PATH.
func Find(name string) (string, error) {
	return find(name, "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/opt/homebrew/bin")
}

func find(name string, folders ...string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return filepath.Abs(path)
	}
	for _, folder := range folders {
		if path, err := exec.LookPath(filepath.Join(folder, name)); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is not installed (hint: apt install tor)", name)
}
