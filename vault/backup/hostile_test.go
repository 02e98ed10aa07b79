package backup_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"sourdine/vault/backup"
	"sourdine/vault/vaulttest"
)

// An entry is one of a tar, to be changed.
type entry struct {
	tar.Header
	content []byte
}

func entries(t testing.TB, raw []byte) (all []entry) {
	t.Helper()
	for r := tar.NewReader(bytes.NewReader(raw)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, entry{*h, content})
	}
}

func joined(t testing.TB, all []entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range all {
		e.Size = int64(len(e.content))
		e.Format = tar.FormatUnknown
		if err := w.WriteHeader(&e.Header); err != nil {
			t.Fatalf("%s: %v", e.Name, err)
		}
		if _, err := w.Write(e.content); err != nil {
			t.Fatalf("%s: %v", e.Name, err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// oneOfMany is written before there are too many.
var oneOfMany = regexp.MustCompile(`^onion/t[01][0-9]\.key$`)

// otherFork stands behind forkFile.
var otherFork = "forks/" + strings.Repeat("0B", 32) + ".checkpoint"

// refused checks that a tar is refused as damaged, and that nothing was written
// outside of the folder, nor anything but a backup's files in it.
func refused(t *testing.T, name string, raw io.Reader) {
	t.Helper()
	outside := t.TempDir()
	dir := filepath.Join(outside, "a", "home")
	if err := os.MkdirAll(filepath.Join(dir, "onion"), 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := backup.Extract(ctx, raw, dir)
	if !errors.Is(err, backup.ErrDamaged) {
		t.Errorf("%s: %v", name, err)
	} else if text := err.Error(); strings.ContainsFunc(text, func(r rune) bool { return r < ' ' }) {
		t.Errorf("%s: %q", name, text)
	}
	for file := range tree(t, outside) {
		known := []string{"vault.key", "vault.slots", "vault.db", "onion/pickup.key", "onion/source.key", "onion/z.key", forkFile, otherFork}
		name, ok := strings.CutPrefix(file, "a/home/")
		if !ok || !slices.Contains(known, name) && !oneOfMany.MatchString(name) {
			t.Errorf("%s: it wrote %s", name, file)
		}
	}
}

func TestCutOff(t *testing.T) {
	c, _ := contents(5000)
	raw := opened(t, vaulttest.V4, c)
	for n := range len(raw) {
		if n%1024 > 0 && n%1531 > 0 { // each file waits for the disk: not everywhere
			continue
		}
		refused(t, fmt.Sprintf("cut off after %d of %d bytes", n, len(raw)), bytes.NewReader(raw[:n]))
	}
	refused(t, "nothing", strings.NewReader(""))
	refused(t, "something behind it", bytes.NewReader(append(bytes.Clone(raw), 'x')))
	refused(t, "twice", bytes.NewReader(append(bytes.Clone(raw), raw...)))
	refused(t, "endless zeros behind it", io.MultiReader(bytes.NewReader(raw), zeros{}))
	// What tar adds to fill its last record is no damage.
	if _, err := backup.Extract(ctx, bytes.NewReader(append(bytes.Clone(raw), make([]byte, 10240)...)), folder(t)); err != nil {
		t.Errorf("zeros behind it: %v", err)
	}
	mine := errors.New("mine")
	if _, err := backup.Extract(ctx, io.MultiReader(bytes.NewReader(raw[:len(raw)/2]), iotest.ErrReader(mine)), folder(t)); !errors.Is(err, mine) {
		t.Errorf("a stick that is pulled: %v", err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// A byte that was changed is found, unless what comes out is the same.
func TestFlips(t *testing.T) {
	c, files := contents(700)
	raw := opened(t, vaulttest.V4, c)
	good, flipped, found := entries(t, raw)[7].content, 0, 0
	for at := range raw {
		if at%97 > 0 { // each file waits for the disk: not everywhere
			continue
		}
		flipped++
		altered := bytes.Clone(raw)
		altered[at] ^= 1 << (at % 8)
		dir := folder(t)
		m, err := backup.Extract(ctx, bytes.NewReader(altered), dir)
		switch {
		case errors.Is(err, backup.ErrDamaged), errors.Is(err, backup.ErrSealed), err != nil && strings.Contains(err.Error(), "format version"):
			found++
		case err != nil:
			t.Errorf("byte %d: %v", at, err)
		case !same(tree(t, dir), files):
			t.Errorf("byte %d: other files came out", at)
		case !bytes.Contains(good, []byte(m.VaultKey)):
			// What a manifest says of keys and log is compared with them by who
			// opens the vault.
			found++
		}
	}
	if found < flipped/3 {
		t.Errorf("%d of %d found", found, flipped)
	}
}

func TestHostile(t *testing.T) {
	c, _ := contents(5000)
	base := entries(t, opened(t, vaulttest.V4, c))
	const readme, key, pickup, source, fork, slots, db, manifest = 0, 1, 2, 3, 4, 5, 6, 7
	put := func(at int, e entry) func([]entry) []entry {
		return func(all []entry) []entry { return slices.Insert(all, at, e) }
	}
	file := func(name string) entry {
		return entry{tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o600, ModTime: base[0].ModTime}, nil}
	}
	of := func(kind byte, name, link string) entry {
		return entry{tar.Header{Typeflag: kind, Name: name, Linkname: link, Mode: 0o600, ModTime: base[0].ModTime}, nil}
	}
	many := func(at, n int, name func(int) string) func([]entry) []entry {
		return func(all []entry) []entry {
			for i := range n {
				all = slices.Insert(all, at+i, file(name(i)))
			}
			return all
		}
	}
	change := func(at int, do func(*entry)) func([]entry) []entry {
		return func(all []entry) []entry { do(&all[at]); return all }
	}
	for name, do := range map[string]func([]entry) []entry{
		"a path upwards":           put(1, file("../vault.key")),
		"a path upwards, first":    put(0, file("../vault.key")),
		"a path upwards, last":     put(8, file("../vault.key")),
		"an absolute path":         put(1, file("/tmp/sourdine-hostile")),
		"a path that goes round":   put(2, file("onion/../../x.key")),
		"an onion key upwards":     put(2, file("onion/../x.key")),
		"a strange onion key":      put(2, file("onion/A.key")),
		"one onion key more":       put(4, file("onion/z.key")),
		"an onion key twice":       put(3, base[pickup]),
		"a fork upwards":           put(4, file("forks/../"+forkedDesk+".checkpoint")),
		"a fork in a folder":       put(4, file("forks/x/"+forkedDesk+".checkpoint")),
		"a fork of nobody":         put(4, file("forks/.checkpoint")),
		"a fork in small letters":  put(5, file(strings.ToLower(otherFork))),
		"a fork of 42 digits":      put(5, file("forks/"+forkedDesk+"AA.checkpoint")),
		"a fork of no digits":      put(5, file("forks/"+strings.Repeat("0G", 20)+".checkpoint")),
		"a fork with a line feed":  put(5, file(otherFork+"\n")),
		"what built a fork":        put(5, file(otherFork+".new")),
		"one fork more":            put(5, file(otherFork)),
		"a fork twice":             put(5, base[fork]),
		"forks in no order":        put(4, file(otherFork)),
		"a fork before the sites":  put(2, file(otherFork)),
		"a fork behind the slots":  put(6, file(otherFork)),
		"a large fork":             change(fork, func(e *entry) { e.content = make([]byte, 5000) }),
		"an altered fork":          change(fork, func(e *entry) { e.content[0] ^= 1 }),
		"a fork that is a link":    change(fork, func(e *entry) { *e = of(tar.TypeSymlink, forkFile, "../vault.key") }),
		"forks that are a link":    put(4, of(tar.TypeSymlink, "forks", "/tmp")),
		"the folder of forks":      put(4, of(tar.TypeDir, "forks/", "")),
		"one fork less":            func(all []entry) []entry { return slices.Delete(all, fork, fork+1) },
		"too many onion keys":      many(4, 17, func(i int) string { return fmt.Sprintf("onion/t%02d.key", i) }),
		"a file more":              put(5, file("vault.v1.db")),
		"a name in colours":        put(1, file("\x1b[31mvault.key")),
		"no name, first":           put(0, file("")),
		"an empty stranger, first": put(0, file("x")),
		"a link":                   change(key, func(e *entry) { *e = of(tar.TypeSymlink, "vault.key", "/etc/passwd") }),
		"a hard link":              change(key, func(e *entry) { *e = of(tar.TypeLink, "vault.key", "README.txt") }),
		"a folder":                 put(2, of(tar.TypeDir, "onion/", "")),
		"a device":                 change(slots, func(e *entry) { *e = of(tar.TypeChar, "vault.slots", "") }),
		"a pipe":                   change(slots, func(e *entry) { *e = of(tar.TypeFifo, "vault.slots", "") }),
		"a global header":          put(0, entry{tar.Header{Typeflag: tar.TypeXGlobalHeader, Name: "g", PAXRecords: map[string]string{"comment": "x"}}, nil}),
		"a comment":                change(db, func(e *entry) { e.PAXRecords = map[string]string{"comment": "x"} }),
		"an attribute":             change(db, func(e *entry) { e.PAXRecords = map[string]string{"SCHILY.xattr.user.x": "y"} }),
		"everybody may read":       change(key, func(e *entry) { e.Mode = 0o644 }),
		"set-user-id":              change(key, func(e *entry) { e.Mode = 0o4600 }),
		"an owner":                 change(key, func(e *entry) { e.Uid = 1000 }),
		"an owner's name":          change(key, func(e *entry) { e.Uname = "root" }),
		"another day":              change(db, func(e *entry) { e.ModTime = e.ModTime.AddDate(0, 0, 1) }),
		"another hour":             func(all []entry) []entry { return each(all, func(e *entry) { e.ModTime = e.ModTime.Add(time.Hour) }) },
		"a large key":              change(key, func(e *entry) { e.content = make([]byte, 5000) }),
		"a large text":             change(readme, func(e *entry) { e.content = make([]byte, 70_000) }),
		"a large manifest":         change(manifest, func(e *entry) { e.content = append(e.content, make([]byte, 1<<20)...) }),
		"an altered vault":         change(db, func(e *entry) { e.content[100] ^= 1 }),
		"a shorter vault":          change(db, func(e *entry) { e.content = e.content[1:] }),
		"an altered key":           change(key, func(e *entry) { e.content[0] ^= 1 }),
		"an altered text":          change(readme, func(e *entry) { e.content[0] ^= 1 }),
		"no text":                  func(all []entry) []entry { return all[1:] },
		"no key":                   func(all []entry) []entry { return slices.Delete(all, key, key+1) },
		"no slots":                 func(all []entry) []entry { return slices.Delete(all, slots, slots+1) },
		"no vault":                 func(all []entry) []entry { return slices.Delete(all, db, db+1) },
		"no manifest":              func(all []entry) []entry { return all[:manifest] },
		"one onion key less":       func(all []entry) []entry { return slices.Delete(all, source, source+1) },
		"the onion keys exchanged": func(all []entry) []entry { all[source], all[pickup] = all[pickup], all[source]; return all },
		"their contents exchanged": func(all []entry) []entry {
			all[source].content, all[pickup].content = all[pickup].content, all[source].content
			return all
		},
		"the vault first":            func(all []entry) []entry { return append([]entry{all[db]}, slices.Delete(all, db, db+1)...) },
		"the manifest first":         func(all []entry) []entry { return append([]entry{all[manifest]}, all[:manifest]...) },
		"the vault twice":            put(db, base[db]),
		"the manifest twice":         put(manifest, base[manifest]),
		"an empty manifest":          change(manifest, func(e *entry) { e.content = nil }),
		"a field more":               change(manifest, replacing(`"day"`, `"x":1,"day"`)),
		"another day in the list":    change(manifest, replacing("2026-11-21", "2026-11-22")),
		"no day in the list":         change(manifest, replacing("2026-11-21", "")),
		"other blanks":               change(manifest, replacing("\n", " \n")),
		"another name in the list":   change(manifest, replacing("vault.slots", "vault.slot")),
		"another size in the list":   change(manifest, replacing(`"size": 5000`, `"size": 5001`)),
		"a second value behind it":   change(manifest, func(e *entry) { e.content = append(e.content, e.content...) }),
		"no list":                    change(manifest, func(e *entry) { e.content = []byte(`{"version":1}`) }),
		"not JSON":                   change(manifest, func(e *entry) { e.content = []byte("\x1b[31mPRIVATE") }),
		"a manifest of another kind": change(manifest, func(e *entry) { e.content = []byte("[]") }),
	} {
		all := make([]entry, len(base))
		for i, e := range base {
			all[i] = entry{e.Header, bytes.Clone(e.content)}
		}
		refused(t, name, bytes.NewReader(joined(t, do(all))))
	}
	if _, err := os.Lstat("/tmp/sourdine-hostile"); err == nil {
		t.Error("it wrote to an absolute path")
	}
}

func each(all []entry, do func(*entry)) []entry {
	for i := range all {
		do(&all[i])
	}
	return all
}

func replacing(old, with string) func(*entry) {
	return func(e *entry) { e.content = bytes.ReplaceAll(e.content, []byte(old), []byte(with)) }
}

// A length is believed only as far as bytes come, and holes are not made.
func TestHugeSizes(t *testing.T) {
	c, _ := contents(0)
	base := entries(t, opened(t, vaulttest.V4, c))
	begin := func(sizeOfVault int64, change func(*tar.Header)) []byte {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for _, e := range base[:7] {
			if e.Name == "vault.db" {
				e.Size = sizeOfVault
				change(&e.Header)
			}
			if err := w.WriteHeader(&e.Header); err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write(e.content); err != nil {
				t.Fatal(err)
			}
		}
		return b.Bytes()
	}
	for _, size := range []int64{9 << 30, 1 << 50, 1<<63 - 1} {
		refused(t, fmt.Sprintf("a vault of %d bytes", size), bytes.NewReader(begin(size, func(h *tar.Header) { h.Format = tar.FormatUnknown })))
	}
	// A file with holes, as GNU tar writes them: 1 TiB of nothing.
	sparse := begin(512, func(*tar.Header) {})
	at := len(sparse) - 512 // the header of vault.db
	block := sparse[at:]
	block[156] = 'S'
	copy(block[386:], "00000000000\x0000000000000\x00")
	copy(block[483:], "17777777777\x00")
	sum(block)
	refused(t, "a sparse file", bytes.NewReader(append(sparse, make([]byte, 4096)...)))
}

// sum mends a header's checksum.
func sum(block []byte) {
	copy(block[148:156], "        ")
	n := 0
	for _, b := range block[:512] {
		n += int(b)
	}
	copy(block[148:156], fmt.Sprintf("%06o\x00 ", n))
}

func TestNewerVersion(t *testing.T) {
	c, _ := contents(10)
	all := entries(t, opened(t, vaulttest.V4, c))
	replacing(`"version": 1`, `"version": 2`)(&all[7])
	_, err := backup.Extract(ctx, bytes.NewReader(joined(t, all)), folder(t))
	if err == nil || !strings.Contains(err.Error(), "format version 2, this program knows 1") {
		t.Error(err)
	}
}

func TestExtractThatIsInterrupted(t *testing.T) {
	c, _ := contents(1 << 20)
	raw := opened(t, vaulttest.V4, c)
	ending, cancel := context.WithCancel(ctx)
	r := io.TeeReader(bytes.NewReader(raw), writer(func(p []byte) { cancel() }))
	if _, err := backup.Extract(ending, r, folder(t)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	// Nothing that is there is overwritten.
	dir := folder(t)
	if err := os.WriteFile(filepath.Join(dir, "vault.db"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := backup.Extract(ctx, bytes.NewReader(raw), dir); !errors.Is(err, os.ErrExist) || tree(t, dir)["vault.db"] != "mine" {
		t.Error(err)
	}
}

type writer func([]byte)

func (w writer) Write(p []byte) (int, error) { w(p); return len(p), nil }
