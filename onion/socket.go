package onion

import (
	"fmt"
	"path/filepath"
	"strings"
)

// maxSocketPath is what fits into sockaddr_un besides the final zero byte; tor
// takes longer paths and then fails on every connection.
const maxSocketPath = 107

// CheckSocketPath tells why tor could not connect to a unix socket at path, or
// nil. ADD_ONION has no quoting for its Port argument (tor answers 512 to
// every form of it), so spaces, quotes and characters outside ASCII are out.
func CheckSocketPath(path string) error {
	if !filepath.IsAbs(path) {
		return fmt.Errorf("socket path %q is not absolute", path)
	}
	if len(path) > maxSocketPath {
		return fmt.Errorf("socket path %q has %d bytes, the system allows %d (hint: use a folder with a shorter name)",
			path, len(path), maxSocketPath)
	}
	plain := func(r rune) bool { return r > ' ' && r < 0x7f && r != '"' && r != '\'' && r != '\\' }
	if i := strings.IndexFunc(path, func(r rune) bool { return !plain(r) }); i >= 0 {
		return fmt.Errorf("socket path %q holds a character that tor does not accept, at byte %d (hint: use a folder without spaces, quotes or accents)", path, i)
	}
	return nil
}
