package desk_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sourdine/journalist-ui/casebook"
	"sourdine/journalist-ui/desk"
	"sourdine/journalist-ui/desk/desktest"
	"sourdine/journalist-ui/witness"
)

// rots are what a disk, or a person, can do to a stored submission.
var rots = map[string]func(folder string) error{
	"a payload removed":        func(f string) error { return os.Remove(filepath.Join(f, "1.pgp")) },
	"a manifest removed":       func(f string) error { return os.Remove(filepath.Join(f, "0.pgp")) },
	"an envelope removed":      func(f string) error { return os.Remove(filepath.Join(f, "envelope.pgp")) },
	"a payload altered":        func(f string) error { return alter(filepath.Join(f, "1.pgp")) },
	"a manifest altered":       func(f string) error { return alter(filepath.Join(f, "0.pgp")) },
	"an envelope altered":      func(f string) error { return alter(filepath.Join(f, "envelope.pgp")) },
	"a payload cut":            func(f string) error { return os.Truncate(filepath.Join(f, "1.pgp"), 9) },
	"submission.json removed":  func(f string) error { return os.Remove(filepath.Join(f, "submission.json")) },
	"submission.json damaged":  func(f string) error { return os.Truncate(filepath.Join(f, "submission.json"), 20) },
	"submission.json too long": func(f string) error { return os.Truncate(filepath.Join(f, "submission.json"), 5<<20) },
	"all of it removed":        os.RemoveAll,
}

// alter changes a byte of a file and keeps its size.
func alter(path string) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return os.WriteFile(path, flip(raw, len(raw)/2), 0o600)
}

// Importing again mends what is damaged, and touches nothing else.
func TestImportHeals(t *testing.T) {
	v := desktest.NewVault(t)
	first := desktest.NewHome(t)
	file := desktest.File{Name: "a", Data: []byte("le fichier")}
	id := v.Submit(desktest.Certificate(t, first), "un", file)
	v.Submit(desktest.Certificate(t, first), "deux", file)
	p := v.Parcel()
	for what, rot := range rots {
		d, home := openNew(t)
		importParcel(t, d, p)
		book := export(t, d)
		if err := rot(filepath.Join(home, "sealed", id)); err != nil {
			t.Fatal(err)
		}
		report := importParcel(t, d, p)
		if !slices.Equal(report.Healed, []string{id}) || report.Known != 1 || !report.Sound() || len(report.New) != 0 {
			t.Errorf("%s: %+v", what, report)
		}
		if got, err := read(d, id, 1); err != nil || string(got) != "le fichier" {
			t.Errorf("%s: %q, %v", what, got, err)
		}
		if export(t, d) != book {
			t.Errorf("%s: the casebook changed", what)
		}
		checkOnlyOurNames(t, home)
		if report := importParcel(t, d, p); report.Known != 2 || len(report.Healed) != 0 {
			t.Errorf("%s: then %+v", what, report)
		}
	}
}

// What is stored, damaged and not entered stops no import, and the next parcel
// that has it mends it.
func TestDamagedBeforeItIsEntered(t *testing.T) {
	home := desktest.NewHome(t)
	v := desktest.NewVault(t)
	file := desktest.File{Name: "a", Data: []byte("le fichier")}
	v.Submit(desktest.Certificate(t, home), "un", file)
	older := v.Parcel()
	id := v.Submit(desktest.Certificate(t, home), "deux", file)
	newer := v.Parcel()
	for what, rot := range rots {
		stored, home := desktest.NewHome(t), desktest.NewHome(t)
		importParcel(t, desktest.Open(t, stored), newer)
		transplant(t, id, stored, home)
		if err := rot(filepath.Join(home, "sealed", id)); err != nil {
			t.Fatal(err)
		}
		d := desktest.Open(t, home)
		if report := importParcel(t, d, older); len(report.New) == 0 {
			t.Errorf("%s: %+v", what, report)
		}
		report := importParcel(t, d, newer)
		s := submissions(t, d)[id]
		if len(report.Refused) != 0 || s.Message != "deux" || s.Doubtful != "" || report.Doubtful[id] != "" {
			t.Errorf("%s: then %+v, %+v", what, report, s)
		}
		if got, err := read(d, id, 1); err != nil || string(got) != "le fichier" {
			t.Errorf("%s: %q, %v", what, got, err)
		}
	}
}

func TestStoredWithoutEnvelopeIsReported(t *testing.T) {
	home, stored := desktest.NewHome(t), desktest.NewHome(t)
	v := desktest.NewVault(t)
	empty := v.Parcel()
	id := v.Submit(desktest.Certificate(t, home), "un")
	importParcel(t, desktest.Open(t, stored), v.Parcel())
	transplant(t, id, stored, home)
	if err := rots["an envelope removed"](filepath.Join(home, "sealed", id)); err != nil {
		t.Fatal(err)
	}
	if report := importParcel(t, desktest.Open(t, home), empty); report.Refused[id] == "" || report.Sound() {
		t.Errorf("%+v", report)
	}
}

// rewrite changes what the desk remembers of a submission's index entry: for
// what follows that is the same as a vault that changed its mind.
func rewrite(t *testing.T, home, id, old, new string) {
	t.Helper()
	path := filepath.Join(home, "sealed", id, "submission.json")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	changed := bytes.Replace(raw, []byte(old), []byte(new), 1)
	if bytes.Equal(raw, changed) {
		t.Fatalf("no %s in %s", old, raw)
	}
	if err := os.WriteFile(path, changed, 0o600); err != nil {
		t.Fatal(err)
	}
}

// A vault that says something else of a submission than it did is reported.
func TestChangedEntryIsAConflict(t *testing.T) {
	first := desktest.NewHome(t)
	v := desktest.NewVault(t)
	id := v.Submit(desktest.Certificate(t, first), "un", desktest.File{Data: []byte("vrai")})
	p := v.Parcel()
	for _, c := range [][2]string{
		{`"channel": "Nice"`, `"channel": "Lyon"`}, {`"day": "` + v.Day + `"`, `"day": "2026-01-30"`}, {`"epoch": 1`, `"epoch": 2`},
		{"\"envelope\": {\n    \"size\": ", "\"envelope\": {\n    \"size\": 1"},
	} {
		d, home := openNew(t)
		importParcel(t, d, p)
		rewrite(t, home, id, c[0], c[1])
		before := listing(t, home)
		report := importParcel(t, d, p)
		if !slices.Equal(report.Conflicts, []string{id}) || report.Known != 0 || report.Sound() {
			t.Errorf("%s: %+v", c[0], report)
		}
		if listing(t, home) != before {
			t.Errorf("%s: a file was changed", c[0])
		}
	}
}

// transplant puts a stored submission into a home that never entered it.
func transplant(t *testing.T, id, from, to string) {
	t.Helper()
	for _, name := range []string{"sealed/" + id, "vault-key"} {
		if err := os.Rename(filepath.Join(from, name), filepath.Join(to, name)); err != nil {
			t.Fatal(err)
		}
	}
}

// The envelope came damaged first; the sound one, when it comes, opens what is
// there.
func TestSoundEnvelopeSupersedes(t *testing.T) {
	home, stored := desktest.NewHome(t), desktest.NewHome(t)
	v := desktest.NewVault(t)
	empty := v.Parcel()
	id := v.Submit(desktest.Certificate(t, home), "enfin", desktest.File{Name: "a", Data: []byte("le fichier")})
	p := v.Parcel()
	importParcel(t, desktest.Open(t, stored), p)
	transplant(t, id, stored, home)
	envelope := filepath.Join(home, "sealed", id, "envelope.pgp")
	sound, err := os.ReadFile(envelope)
	if err != nil {
		t.Fatal(err)
	}
	bad := flip(sound, len(sound)-1)
	if err := os.WriteFile(envelope, bad, 0o600); err != nil {
		t.Fatal(err)
	}
	rewrite(t, home, id, fmt.Sprintf("%x", sha256.Sum256(sound)), fmt.Sprintf("%x", sha256.Sum256(bad)))
	d := desktest.Open(t, home)
	if report := importParcel(t, d, empty); report.Doubtful[id] != desk.DoubtEnvelope || len(report.New) != 1 {
		t.Fatalf("the damaged one: %+v", report)
	}
	if f, err := d.Findings(); err != nil || !slices.Equal(kinds(f.Submissions[id]), []witness.Kind{witness.NotInLog, desk.EnvelopeUnopened}) {
		t.Errorf("the damaged one: found %+v, %v", f, err)
	}
	report := importParcel(t, d, p)
	s := submissions(t, d)[id]
	if !slices.Equal(report.Healed, []string{id}) || len(report.Doubtful) != 0 || s.Message != "enfin" || s.Doubtful != "" {
		t.Errorf("the sound one: %+v, %+v", report, s)
	}
	if got, err := read(d, id, 1); err != nil || string(got) != "le fichier" {
		t.Errorf("its file: %q, %v", got, err)
	}
	if err := d.Casebook().Rebuild(ctx); err != nil || submissions(t, d)[id].Message != "enfin" {
		t.Errorf("rebuilt: %v", err)
	}
	if report := importParcel(t, d, p); report.Known != 1 {
		t.Errorf("again: %+v", report)
	}
}

// A repair that stops half-way leaves every file, old or new; the next one
// finishes it.
func TestInterruptedRepair(t *testing.T) {
	first := desktest.NewHome(t)
	v := desktest.NewVault(t)
	id := v.Submit(desktest.Certificate(t, first), "un", desktest.File{Data: make([]byte, 300_000)})
	p := v.Parcel()
	d, home := openNew(t)
	importParcel(t, d, p)
	for _, name := range []string{"envelope.pgp", "0.pgp", "1.pgp"} {
		if err := alter(filepath.Join(home, "sealed", id, name)); err != nil {
			t.Fatal(err)
		}
	}
	for at := bytes.Index(p, []byte("submissions/")); at < len(p)-2000; at += len(p) / 8 {
		if _, err := d.Import(ctx, bytes.NewReader(p[:at])); err == nil {
			t.Fatalf("a parcel of %d bytes was taken", at)
		}
		files, err := filepath.Glob(filepath.Join(home, "sealed", "*", "*"))
		if err != nil || len(files) != 4 {
			t.Errorf("cut at %d: %v, %v", at, files, err)
		}
	}
	// As if it had been killed after the first file.
	part := filepath.Join(home, "sealed", "."+id+".partial")
	if err := os.Mkdir(part, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(home, "sealed", id, "1.pgp"), filepath.Join(part, "1.pgp")); err != nil {
		t.Fatal(err)
	}
	if report := importParcel(t, d, p); !slices.Equal(report.Healed, []string{id}) {
		t.Errorf("report %+v", report)
	}
	checkWhole(t, d, home, submissions(t, d))
}

// Where nothing is stored any more, the casebook still knows what was there: a
// parcel cannot put something else in its place.
func TestOtherContentsForWhatIsGone(t *testing.T) {
	first := desktest.NewHome(t)
	v := desktest.NewVault(t)
	id := v.Submit(desktest.Certificate(t, first), "un", desktest.File{Data: []byte("vrai")})
	p := v.Parcel()
	d, home := openNew(t)
	if err := d.Pin(v.Key); err != nil {
		t.Fatal(err)
	}
	known := casebook.Submission{
		ID: id, Vault: v.Key, Channel: "Nice", Day: v.Day, Message: "autre chose",
		Items: []casebook.Item{{N: 1, SHA256: strings.Repeat("0", 64)}},
	}
	if _, err := d.Casebook().AddSubmission(ctx, known); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if report := importParcel(t, d, p); !slices.Equal(report.Conflicts, []string{id}) || report.Sound() {
			t.Errorf("report %+v", report)
		}
		if stored, err := os.ReadDir(filepath.Join(home, "sealed")); err != nil || len(stored) != 0 {
			t.Errorf("stored: %v, %v", stored, err)
		}
	}
	if got := submissions(t, d)[id].Message; got != "autre chose" {
		t.Errorf("the casebook says %q", got)
	}
}

// Killed between storing the sound files and telling the casebook: the next
// import, of whatever parcel, catches up.
func TestMendedButNotEntered(t *testing.T) {
	home, stored := desktest.NewHome(t), desktest.NewHome(t)
	v := desktest.NewVault(t)
	empty := v.Parcel()
	id := v.Submit(desktest.Certificate(t, home), "enfin")
	importParcel(t, desktest.Open(t, stored), v.Parcel())
	transplant(t, id, stored, home)
	manifest := filepath.Join(home, "sealed", id, "0.pgp")
	if err := alter(manifest); err != nil {
		t.Fatal(err)
	}
	d := desktest.Open(t, home)
	if report := importParcel(t, d, empty); report.Doubtful[id] != desk.DoubtManifest {
		t.Fatalf("damaged: %+v", report)
	}
	if err := alter(manifest); err != nil { // back to what it was
		t.Fatal(err)
	}
	if report := importParcel(t, d, empty); !slices.Equal(report.Healed, []string{id}) || submissions(t, d)[id].Message != "enfin" {
		t.Errorf("mended: %+v", report)
	}
}
