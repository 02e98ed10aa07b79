package desk_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sourdine/journalist-ui/desk"
	"sourdine/journalist-ui/desk/desktest"
	"sourdine/journalist-ui/unseal"
)

// imported is a desk with one submission of two files, the second of which is
// not what the manifest says.
func imported(t *testing.T) (d *desk.Desk, home, id string) {
	t.Helper()
	d, home = openNew(t)
	v := desktest.NewVault(t)
	big := bytes.Repeat([]byte("0123456789"), 30_000)
	raw, err := desktest.Manifest("m", desktest.File{Name: "../a", Data: big}, desktest.File{Name: "b", Data: []byte("promised")}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	s := v.Sealer(desktest.Certificate(t, home))
	id = v.Commit(s.Envelope(), v.Seal(s, raw), v.Seal(s, big), v.Seal(s, []byte("received")))
	importParcel(t, d, v.Parcel())
	return d, home, id
}

func TestItemThatDiffers(t *testing.T) {
	d, _, id := imported(t)
	if _, err := read(d, id, 2); !errors.Is(err, desk.ErrDiffers) {
		t.Errorf("got %v", err)
	}
	if _, err := read(d, id, 1); err != nil {
		t.Errorf("its neighbour: %v", err)
	}
}

func TestItemNotFound(t *testing.T) {
	d, home, id := imported(t)
	for what, get := range map[string]func() ([]byte, error){
		"the manifest":     func() ([]byte, error) { return read(d, id, 0) },
		"item 3":           func() ([]byte, error) { return read(d, id, 3) },
		"item -1":          func() ([]byte, error) { return read(d, id, -1) },
		"another":          func() ([]byte, error) { return read(d, strings.Repeat("a", 26), 1) },
		"a path":           func() ([]byte, error) { return read(d, "../sealed/"+id, 1) },
		"nothing":          func() ([]byte, error) { return read(d, "", 1) },
		"a file that left": func() ([]byte, error) { os.Remove(filepath.Join(home, "sealed", id, "1.pgp")); return read(d, id, 1) },
	} {
		if _, err := get(); !errors.Is(err, desk.ErrNotFound) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestSave(t *testing.T) {
	d, _, id := imported(t)
	path := filepath.Join(t.TempDir(), "out")
	item, err := d.Save(ctx, id, 1, path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 || info.Size() != item.Size {
		t.Errorf("%v, %v", info, err)
	}
	if _, err := d.Save(ctx, id, 1, path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over a file: %v", err)
	}
	if again, err := os.Stat(path); err != nil || again.ModTime() != info.ModTime() || again.Size() != info.Size() {
		t.Errorf("the file in the way was changed: %v, %v", again, err)
	}
	if _, err := d.Save(ctx, id, 1, filepath.Join(path, "below")); err == nil {
		t.Error("saved below a file")
	}
}

// Whatever goes wrong while saving, no output file remains, no partial one either.
func TestFailedSaveLeavesNothing(t *testing.T) {
	d, home, id := imported(t)
	sealed := filepath.Join(home, "sealed", id, "1.pgp")
	whole, err := os.ReadFile(sealed)
	if err != nil {
		t.Fatal(err)
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	for what, c := range map[string]struct {
		ctx  context.Context
		n    int
		file []byte
		want error
	}{
		"differs":             {ctx, 2, whole, desk.ErrDiffers},
		"cut":                 {ctx, 1, whole[:len(whole)-1], unseal.ErrDamaged},
		"cut at a chunk":      {ctx, 1, whole[:len(whole)/2], unseal.ErrDamaged},
		"altered":             {ctx, 1, flip(whole, len(whole)-20), unseal.ErrDamaged},
		"empty":               {ctx, 1, nil, unseal.ErrDamaged},
		"garbage after":       {ctx, 1, append(bytes.Clone(whole), 0), unseal.ErrDamaged},
		"interrupted":         {cancelled, 1, whole, context.Canceled},
		"no such item":        {ctx, 9, whole, desk.ErrNotFound},
		"another's encrypted": {ctx, 1, []byte("\xd2\x00"), unseal.ErrDamaged},
	} {
		if err := os.WriteFile(sealed, c.file, 0o600); err != nil {
			t.Fatal(err)
		}
		folder := t.TempDir()
		if _, err := d.Save(c.ctx, id, c.n, filepath.Join(folder, "out")); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", what, err)
		}
		if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
			t.Errorf("%s: left %v, %v", what, left, err)
		}
	}
}

// Errors carry numbers and ids, never a word of a source.
func TestErrorsDoNotQuoteTheSource(t *testing.T) {
	d, home := openNew(t)
	v := desktest.NewVault(t)
	const canary = "canari-secret"
	raw, err := desktest.Manifest(canary, desktest.File{Name: canary, Type: canary, Data: []byte("x")}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	s := v.Sealer(desktest.Certificate(t, home))
	id := v.Commit(s.Envelope(), v.Seal(s, raw), v.Seal(s, []byte(canary)))
	importParcel(t, d, v.Parcel())
	_, err = read(d, id, 1)
	_, err2 := d.Save(ctx, id, 1, filepath.Join(t.TempDir(), "out"))
	if err == nil || err2 == nil || strings.Contains(err.Error()+err2.Error(), canary) {
		t.Errorf("%v; %v", err, err2)
	}
}

// Size and digest must both be what the manifest says.
func TestManifestThatLiesAboutTheSize(t *testing.T) {
	d, home := openNew(t)
	v := desktest.NewVault(t)
	m := desktest.Manifest("", desktest.File{Data: []byte("four")})
	m.Items[0].Size = 5
	raw, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	s := v.Sealer(desktest.Certificate(t, home))
	id := v.Commit(s.Envelope(), v.Seal(s, raw), v.Seal(s, []byte("four")))
	importParcel(t, d, v.Parcel())
	if _, err := read(d, id, 1); !errors.Is(err, desk.ErrDiffers) {
		t.Errorf("got %v", err)
	}
}
