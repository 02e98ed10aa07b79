package backup_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"sourdine/vault/backup"
	"sourdine/vault/seal"
	"sourdine/vault/vaulttest"
)

var ctx = context.Background()

// forkedDesk is one that was shown another log.
var (
	forkedDesk = strings.Repeat("0A", 20)
	forkFile   = "forks/" + forkedDesk + ".checkpoint"
)

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

// contents are those of a backup whose vault has that many bytes, all there at
// once.
func contents(size int) (backup.Contents, map[string][]byte) {
	files := map[string][]byte{
		"vault.key": []byte("PRIVATE+KEY"), "onion/source.key": []byte("source"), "onion/pickup.key": []byte("pickup"),
		"vault.slots": random(3000), "vault.db": random(size),
		forkFile: []byte("checkpoint"),
	}
	return backup.Contents{
		Day: "2026-11-21", PublicKey: "sourdine/vault/00000000", LogSize: 7, LogRoot: [32]byte{1, 2},
		VaultKey:  files["vault.key"],
		OnionKeys: map[string][]byte{"source": files["onion/source.key"], "pickup": files["onion/pickup.key"]},
		Forks:     map[string][]byte{forkedDesk: files[forkFile]},
		Slots:     files["vault.slots"], VaultSize: int64(size),
		Vault: func(w io.Writer) error {
			_, err := io.Copy(w, bytes.NewReader(files["vault.db"]))
			return err
		},
	}, files
}

func certificate(t testing.TB, k vaulttest.Key) *seal.Certificate {
	t.Helper()
	c, err := seal.ParseCertificate(k.Certificate(t), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// opened writes a backup and opens it with the admin's key.
func opened(t testing.TB, kind packet.Config, c backup.Contents) []byte {
	t.Helper()
	admin := vaulttest.NewKey(t, kind)
	var sealed bytes.Buffer
	if err := backup.Write(&sealed, certificate(t, admin), time.Now(), c); err != nil {
		t.Fatal(err)
	}
	raw, err := admin.Open(sealed.Bytes(), strings.NewReader(""))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// folder is one that a backup can be extracted to.
func folder(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "onion"), 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

// tree is every file below dir, with its content.
func tree(t testing.TB, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		name, err2 := filepath.Rel(dir, path)
		files[name] = string(raw)
		return errors.Join(err, err2)
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func same(got map[string]string, want map[string][]byte) bool {
	for name, content := range want {
		if got[name] != string(content) {
			return false
		}
	}
	return len(got) == len(want)
}

func TestRoundTrip(t *testing.T) {
	for name, kind := range map[string]packet.Config{"post-quantum": vaulttest.PostQuantum, "x25519": vaulttest.X25519, "v4": vaulttest.V4} {
		for _, size := range []int{0, 512, 1<<20 + 17} {
			c, files := contents(size)
			raw, dir := opened(t, kind, c), folder(t)
			m, err := backup.Extract(ctx, bytes.NewReader(raw), dir)
			if err != nil {
				t.Fatalf("%s, %d bytes: %v", name, size, err)
			}
			if !same(tree(t, dir), files) {
				t.Errorf("%s, %d bytes: other files came out", name, size)
			}
			if m.Day != c.Day || m.VaultKey != c.PublicKey || m.LogSize != 7 || !strings.HasPrefix(m.LogRoot, "0102") || len(m.Files) != 7 {
				t.Errorf("%s, %d bytes: %+v", name, size, m)
			}
		}
	}
}

// What is in it is an ordinary tar, with a text for people first and a list that
// holds for the bytes.
func TestOrdinaryTar(t *testing.T) {
	c, files := contents(70_000)
	raw := opened(t, vaulttest.V4, c)
	var names []string
	for r := tar.NewReader(bytes.NewReader(raw)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, h.Name)
		content, err := io.ReadAll(r)
		if want, ok := files[h.Name]; err != nil || ok && !bytes.Equal(content, want) {
			t.Errorf("%s: %v", h.Name, err)
		}
		if h.Name == "README.txt" && (!bytes.Contains(content, []byte("sourdine restore --home")) || !bytes.Contains(content, []byte("clé privée"))) {
			t.Error("README.txt does not say how to open it")
		}
		sum := sha256.Sum256(files["vault.db"])
		if h.Name == "manifest.json" && !bytes.Contains(content, []byte(hex.EncodeToString(sum[:]))) {
			t.Errorf("the manifest has no digest of the vault:\n%s", content)
		}
	}
	if got := strings.Join(names, " "); got != "README.txt vault.key onion/pickup.key onion/source.key "+forkFile+" vault.slots vault.db manifest.json" {
		t.Errorf("it holds %s", got)
	}
}

// Onion keys and checkpoints of other logs may be missing; and then there is no
// folder for them, either.
func TestWithoutSomeFiles(t *testing.T) {
	for _, without := range []string{"onion", "forks", "onion forks"} {
		c, files := contents(10)
		for name := range files {
			if folder, _, ok := strings.Cut(name, "/"); ok && strings.Contains(without, folder) {
				delete(files, name)
			}
		}
		if strings.Contains(without, "onion") {
			c.OnionKeys = nil
		}
		if strings.Contains(without, "forks") {
			c.Forks = nil
		}
		dir := folder(t)
		if _, err := backup.Extract(ctx, bytes.NewReader(opened(t, vaulttest.V4, c)), dir); err != nil || !same(tree(t, dir), files) {
			t.Errorf("without %s: %v", without, err)
		}
		if _, err := os.Stat(filepath.Join(dir, "forks")); errors.Is(err, fs.ErrNotExist) != (c.Forks == nil) {
			t.Errorf("without %s: the folder: %v", without, err)
		}
	}
}

// forks are checkpoints of that many desks.
func forks(n int) map[string][]byte {
	all := map[string][]byte{}
	for i := range n {
		all[fmt.Sprintf("%064X", i)] = []byte("checkpoint")
	}
	return all
}

// Memory does not grow with the vault.
func TestWriteStreams(t *testing.T) {
	const size, enough = 256 << 20, 8 << 20
	c, _ := contents(0)
	c.VaultSize = size
	c.Vault = func(w io.Writer) error {
		_, err := io.CopyN(w, zeros{}, size)
		return err
	}
	to := certificate(t, vaulttest.NewKey(t, vaulttest.PostQuantum))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := backup.Write(io.Discard, to, time.Now(), c); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > enough {
		t.Errorf("it took %d bytes of memory", got)
	}
}

// A backup that could not be read is not written, and one that could not be
// written is no message.
func TestWriteThatFails(t *testing.T) {
	admin := vaulttest.NewKey(t, vaulttest.X25519)
	mine := errors.New("mine")
	for name, change := range map[string]func(*backup.Contents){
		"no day":         func(c *backup.Contents) { c.Day = "" },
		"a large key":    func(c *backup.Contents) { c.VaultKey = random(5000) },
		"a strange site": func(c *backup.Contents) { c.OnionKeys = map[string][]byte{"../x": nil} },
		"many sites":     func(c *backup.Contents) { c.OnionKeys = forks(17) },
		"many forks":     func(c *backup.Contents) { c.Forks = forks(2001) },
		"a large fork":   func(c *backup.Contents) { c.Forks = map[string][]byte{forkedDesk: random(5000)} },
		"a strange fork": func(c *backup.Contents) { c.Forks = map[string][]byte{"../" + forkedDesk: nil} },
		"a small letter": func(c *backup.Contents) { c.Forks = map[string][]byte{strings.ToLower(forkedDesk): nil} },
		"a shorter vault": func(c *backup.Contents) {
			c.VaultSize++
		},
		"a longer vault": func(c *backup.Contents) { c.VaultSize-- },
		"no vault":       func(c *backup.Contents) { c.Vault = func(io.Writer) error { return mine } },
		"a huge vault":   func(c *backup.Contents) { c.VaultSize = 1 << 40 },
	} {
		c, _ := contents(100_000)
		change(&c)
		var sealed bytes.Buffer
		if err := backup.Write(&sealed, certificate(t, admin), time.Now(), c); err == nil {
			t.Errorf("%s: no error", name)
		}
		if sealed.Len() > 0 {
			if _, err := admin.Open(sealed.Bytes(), strings.NewReader("")); err == nil {
				t.Errorf("%s: what was written opens", name)
			}
		}
	}
	c, _ := contents(100_000)
	if err := backup.Write(failing{mine}, certificate(t, admin), time.Now(), c); !errors.Is(err, mine) {
		t.Errorf("a full disk: %v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// Neither another key nor an altered or shorter message gives a tar that opens.
func TestSealed(t *testing.T) {
	c, _ := contents(100_000)
	for name, kind := range map[string]packet.Config{"x25519": vaulttest.X25519, "v4": vaulttest.V4} {
		admin := vaulttest.NewKey(t, kind)
		var sealed bytes.Buffer
		if err := backup.Write(&sealed, certificate(t, admin), time.Now(), c); err != nil {
			t.Fatal(err)
		}
		if _, err := vaulttest.NewKey(t, kind).Open(sealed.Bytes(), strings.NewReader("")); err == nil {
			t.Errorf("%s: another key opens it", name)
		}
		if bytes.Contains(sealed.Bytes(), []byte("PRIVATE")) || bytes.Contains(sealed.Bytes(), []byte("README")) {
			t.Errorf("%s: it is not sealed", name)
		}
		if _, err := backup.Extract(ctx, bytes.NewReader(sealed.Bytes()), folder(t)); !errors.Is(err, backup.ErrSealed) {
			t.Errorf("%s: restored without being opened: %v", name, err)
		}
		for _, at := range []int{sealed.Len() / 2, sealed.Len() - 1} {
			altered := bytes.Clone(sealed.Bytes())
			altered[at] ^= 1
			for form, message := range map[string][]byte{"altered": altered, "cut off": sealed.Bytes()[:at]} {
				if _, err := admin.Open(message, strings.NewReader("")); err == nil {
					t.Errorf("%s, %s at %d: it opens", name, form, at)
				}
			}
		}
	}
	armored := strings.NewReader("-----BEGIN PGP MESSAGE-----\n\nAAAA\n")
	if _, err := backup.Extract(ctx, armored, folder(t)); !errors.Is(err, backup.ErrSealed) {
		t.Errorf("armored: %v", err)
	}
}
