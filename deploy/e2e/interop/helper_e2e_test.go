//go:build e2e

package interop

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sourdine/deploy/e2e/program"
	"sourdine/vault/manifest"
)

func TestMain(m *testing.M) {
	os.Exit(program.Main(m))
}

// needed finds a program, or says how to install it: a missing one must not
// look like a test that passed.
func needed(t *testing.T, name, debianPackage string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is not installed; try: apt-get install %s", name, debianPackage)
	}
	return path
}

// run runs a program in a folder and returns its standard output.
func run(t *testing.T, dir string, env []string, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, errOut.String())
	}
	return out.Bytes()
}

// serve makes a home whose channel has these certificates on its roster, added
// with the command that admins use, and serves it.
func serve(t *testing.T, certificates ...[]byte) *program.Server {
	t.Helper()
	home := filepath.Join(t.TempDir(), "home")
	program.Run(t, 0, "sourdine", "init", "--home", home)
	program.Run(t, 0, "sourdine", "channel", "add", "--home", home, program.Channel)
	for i, c := range certificates {
		card := filepath.Join(t.TempDir(), fmt.Sprint(i))
		if err := os.WriteFile(card, c, 0o600); err != nil {
			t.Fatal(err)
		}
		program.Run(t, 0, "sourdine", "reviewer", "add", "--home", home, "--channel", program.Channel, card)
	}
	return program.Serve(t, home)
}

const message = "Ci-joint le marché.\nÀ vérifier."

// sent are the files of the submission that submit makes.
type sent struct {
	name    string
	content []byte
}

// submit sends a message and files like a browser: one of several MB, an empty
// one, one whose name is a path.
func submit(t *testing.T, s *program.Server) []sent {
	t.Helper()
	large := make([]byte, 7_654_321)
	rand.Read(large)
	files := []sent{{"archive.bin", large}, {"vide", nil}, {"../../état civil «№1».pdf", []byte("%PDF-1.7")}}
	var form []program.File
	for _, f := range files {
		form = append(form, program.File{Name: f.name, Content: bytes.NewReader(f.content)})
	}
	if err := s.Submit(message, form...); err != nil {
		t.Fatal(err)
	}
	return files
}

// unpacked exports a parcel and unpacks it with tar. It returns the folder and
// the id of the one submission in it.
func unpacked(t *testing.T, s *program.Server) (dir, id string) {
	t.Helper()
	needed(t, "tar", "tar")
	dir = t.TempDir()
	run(t, dir, nil, "tar", "xf", s.Export(t))
	entries, err := os.ReadDir(filepath.Join(dir, "submissions"))
	if err != nil || len(entries) != 1 {
		t.Fatalf("the parcel has %d submissions, %v", len(entries), err)
	}
	return dir, entries[0].Name()
}

// joined is the envelope and a payload in one file, an ordinary message.
func joined(t *testing.T, dir, id string, item int) string {
	t.Helper()
	path := filepath.Join(dir, fmt.Sprintf("message%d.pgp", item))
	var whole []byte
	for _, name := range []string{"envelope.pgp", fmt.Sprintf("%d.pgp", item)} {
		part, err := os.ReadFile(filepath.Join(dir, "submissions", id, name))
		if err != nil {
			t.Fatal(err)
		}
		whole = append(whole, part...)
	}
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// check compares what open makes of every item with what was sent.
func check(t *testing.T, files []sent, open func(item int) []byte) {
	t.Helper()
	m, err := manifest.Parse(bytes.NewReader(open(0)))
	if err != nil {
		t.Fatal(err)
	}
	if m.Message != message || len(m.Items) != len(files) || m.Language != "fr" || len(m.Mailbox) == 0 {
		t.Fatalf("the manifest is %.300v", m)
	}
	for i, f := range files {
		got, want := sha256.Sum256(open(i+1)), sha256.Sum256(f.content)
		if got != want || m.Items[i].SHA256 != fmt.Sprintf("%x", want) || m.Items[i].Name != f.name || m.Items[i].Size != int64(len(f.content)) {
			t.Errorf("item %d, %q, came out changed", i+1, f.name)
		}
	}
}

// losses is what the server says of the channel's roster.
func losses(t *testing.T, s *program.Server) []string {
	t.Helper()
	var names []string
	for _, l := range s.Status(t).Channels[0].Losses {
		names = append(names, string(l))
	}
	return slices.Sorted(slices.Values(names))
}

func readJSON(t *testing.T, path string, into any) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(raw, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}
