package desk

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// looking reads zeros, and in the middle looks at the folder they go to: that
// is what a kill at this moment would leave.
type looking struct {
	t      *testing.T
	folder string
	left   int
	fail   error // instead of the end
	saw    []string
}

func (l *looking) Read(b []byte) (int, error) {
	if l.left == 0 {
		l.saw = names(l.t, l.folder)
		if l.fail != nil {
			return 0, l.fail
		}
		return 0, io.EOF
	}
	n := min(len(b), l.left)
	clear(b[:n])
	l.left -= n
	return n, nil
}

func names(t *testing.T, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	all := []string{}
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func TestSavingLeavesNothingHidden(t *testing.T) {
	const size = 1 << 20
	for what, c := range map[string]struct {
		write func(string, io.Reader) error
		saw   []string
	}{
		"without a name": {writeUnnamed, []string{}},
		"with a name":    {writeBeside, []string{"out.pdf.partial"}},
	} {
		t.Run(what, func(t *testing.T) {
			for _, fail := range []error{nil, errors.New("the end is damaged")} {
				folder := t.TempDir()
				path := filepath.Join(folder, "out.pdf")
				l := &looking{t: t, folder: folder, left: size, fail: fail}
				err := c.write(path, l)
				if errors.Is(err, errNeedsName) {
					t.Skip("this file system has no files without a name")
				}
				if !errors.Is(err, fail) || !slices.Equal(l.saw, c.saw) {
					t.Errorf("%v; in the middle the folder held %q, want %q", err, l.saw, c.saw)
				}
				if left := names(t, folder); fail != nil && len(left) > 0 {
					t.Errorf("after an error there is %q", left)
				}
				if fail != nil {
					continue
				}
				raw, err := os.ReadFile(path)
				info, statErr := os.Stat(path)
				if err != nil || statErr != nil || !bytes.Equal(raw, make([]byte, size)) || info.Mode().Perm() != fileMode || len(names(t, folder)) != 1 {
					t.Errorf("%d bytes, %v, %v", len(raw), info.Mode(), err)
				}
			}
		})
	}
}

// What appears under the name while a document is being written is not replaced.
func TestSavingReplacesNothing(t *testing.T) {
	for what, write := range map[string]func(string, io.Reader) error{"without a name": writeUnnamed, "with a name": writeBeside} {
		path := filepath.Join(t.TempDir(), "out")
		if err := os.WriteFile(path, []byte("mine"), fileMode); err != nil {
			t.Fatal(err)
		}
		err := write(path, bytes.NewReader([]byte("theirs")))
		if errors.Is(err, errNeedsName) {
			continue
		}
		raw, readErr := os.ReadFile(path)
		if !errors.Is(err, fs.ErrExist) || readErr != nil || string(raw) != "mine" || len(names(t, filepath.Dir(path))) != 1 {
			t.Errorf("%s: %v, %q, %v", what, err, raw, names(t, filepath.Dir(path)))
		}
	}
}
