package desk

import (
	"fmt"
	"io/fs"
	"os"
)

// Exposed names what other users of the machine can get at: the home, as ".",
// and the files in it. [Create] closes both to them; copying a home, above all by
// way of a stick, may open them. The home is used all the same: what is in it is
// locked, but a locked key can be taken away and its passphrase be guessed at.
func Exposed(home string) ([]string, error) {
	folder, err := os.OpenRoot(home)
	if err != nil {
		return nil, fmt.Errorf("failed to look into the folder: %w", err)
	}
	defer folder.Close()
	entries, err := fs.ReadDir(folder.FS(), ".")
	if err != nil {
		return nil, fmt.Errorf("failed to look into the folder: %w", err)
	}
	var open []string
	if info, err := folder.Stat("."); err == nil && forOthers(info) {
		open = append(open, ".")
	}
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && info.Mode().IsRegular() && forOthers(info) { // else it just went away
			open = append(open, e.Name())
		}
	}
	return open, nil
}

func forOthers(info fs.FileInfo) bool { return info.Mode().Perm()&0o077 != 0 }
