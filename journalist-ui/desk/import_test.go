package desk_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sourdine/journalist-ui/casebook"
	"sourdine/journalist-ui/desk"
	"sourdine/journalist-ui/desk/desktest"
	"sourdine/vault/parcel"
	"sourdine/vault/vaulttest"
)

var hostile = []desktest.File{
	{Name: "../../état civil «№1».pdf", Type: "application/pdf", Data: []byte("%PDF")},
	{Name: "<script>alert(1)</script>\n\u202egnp.exe", Type: "text/html", Data: bytes.Repeat([]byte("x"), 200_000)},
	{Name: "", Type: "", Data: nil},
	{Name: strings.Repeat("é", 2000), Type: "image/jpeg", Data: []byte{0xff, 0xd8}},
}

func importParcel(t *testing.T, d *desk.Desk, p []byte) desk.Report {
	t.Helper()
	report, err := d.Import(ctx, bytes.NewReader(p))
	if err != nil {
		t.Fatalf("Import: %v", err)
	}
	return report
}

func submissions(t *testing.T, d *desk.Desk) map[string]casebook.Submission {
	t.Helper()
	all := map[string]casebook.Submission{}
	for s, err := range d.Casebook().Submissions(ctx, "") {
		if err != nil {
			t.Fatal(err)
		}
		all[s.ID] = s
	}
	return all
}

func TestImport(t *testing.T) {
	d, home := openNew(t)
	v := desktest.NewVault(t)
	id := v.Submit(desktest.Certificate(t, home), "Ci-joint\nle marché.", hostile...)
	empty := v.Submit(desktest.Certificate(t, home), "")
	report := importParcel(t, d, v.Parcel())
	if !report.FirstUse || report.VaultKey != v.Key || len(report.New) != 2 || report.Known+report.Others+len(report.Doubtful)+len(report.Conflicts) != 0 {
		t.Errorf("report %+v", report)
	}
	known := submissions(t, d)
	s := known[id]
	if len(known) != 2 || s.Message != "Ci-joint\nle marché." || s.Channel != "Nice" || s.Day != v.Day || s.Vault != v.Key || s.Doubtful != "" {
		t.Errorf("casebook has %d, %.200v", len(known), s)
	}
	if len(s.Items) != len(hostile) || len(known[empty].Items) != 0 {
		t.Fatalf("%d items", len(s.Items))
	}
	for i, f := range hostile {
		got, err := read(d, id, i+1)
		if err != nil || !bytes.Equal(got, f.Data) || s.Items[i].Name != f.Name {
			t.Errorf("item %d: %d bytes, %v", i+1, len(got), err)
		}
	}
	checkOnlyOurNames(t, home)
}

// checkOnlyOurNames: nothing that a source chose is the name of a file.
func checkOnlyOurNames(t *testing.T, home string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(home, "sealed", "*", "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, f := range files {
		if !regexp.MustCompile(`/[a-z2-7]{26}/(submission.json|envelope.pgp|[0-9]+.pgp)$`).MatchString(f) {
			t.Errorf("file %q", f)
		}
	}
}

func TestImportTwice(t *testing.T) {
	d, home := openNew(t)
	v := desktest.NewVault(t)
	v.Submit(desktest.Certificate(t, home), "un", hostile...)
	first := v.Parcel()
	importParcel(t, d, first)
	before, sealed := export(t, d), listing(t, home)
	report := importParcel(t, d, first)
	if len(report.New) != 0 || report.Known != 1 || report.FirstUse {
		t.Errorf("again: %+v", report)
	}
	if export(t, d) != before || listing(t, home) != sealed {
		t.Error("importing twice changed something")
	}
	v.Submit(desktest.Certificate(t, home), "deux")
	report = importParcel(t, d, v.Parcel())
	if len(report.New) != 1 || report.Known != 1 {
		t.Errorf("a parcel with one more: %+v", report)
	}
}

func export(t *testing.T, d *desk.Desk) string {
	t.Helper()
	var b bytes.Buffer
	if err := d.Casebook().Export(ctx, &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// listing is every sealed file with its size and time.
func listing(t *testing.T, home string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.Walk(filepath.Join(home, "sealed"), func(path string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			b.WriteString(path + info.ModTime().String() + info.Mode().String() + "\n")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestOnlyThePinnedVault(t *testing.T) {
	d, home := openNew(t)
	one, two := desktest.NewVault(t), desktest.NewVault(t)
	one.Submit(desktest.Certificate(t, home), "un")
	two.Submit(desktest.Certificate(t, home), "deux")
	if err := d.Pin(one.Key); err != nil {
		t.Fatal(err)
	}
	_, err := d.Import(ctx, bytes.NewReader(two.Parcel()))
	var refused *desk.ParcelError
	if !errors.Is(err, desk.ErrOtherVault) || !errors.As(err, &refused) {
		t.Errorf("another vault: %v", err)
	}
	if len(submissions(t, d)) != 0 {
		t.Error("something of another vault was imported")
	}
	if report := importParcel(t, d, one.Parcel()); report.FirstUse || len(report.New) != 1 {
		t.Errorf("the pinned vault: %+v", report)
	}
	// A forger names the right key and signs with another.
	forged := bytes.Replace(two.Parcel(), []byte(two.Key), []byte(one.Key), 1)
	if _, err := d.Import(ctx, bytes.NewReader(forged)); !errors.As(err, &refused) {
		t.Errorf("a forged parcel: %v", err)
	}
}

// A first parcel that is refused must not pin its key.
func TestRefusedParcelPinsNothing(t *testing.T) {
	d, home := openNew(t)
	v := desktest.NewVault(t)
	v.Submit(desktest.Certificate(t, home), "un")
	p := v.Parcel()
	altered := bytes.Clone(p)
	altered[bytes.Index(p, []byte(`"channel":"Nice"`))+12] ^= 1
	for what, bad := range map[string][]byte{"empty": nil, "text": []byte("bonjour"), "zeros": make([]byte, 4096), "index altered": altered, "cut": p[:700]} {
		var refused *desk.ParcelError
		if _, err := d.Import(ctx, bytes.NewReader(bad)); !errors.As(err, &refused) || refused.Submission != "" {
			t.Errorf("%s: %v", what, err)
		}
	}
	if key, err := d.VaultKey(); key != "" || err != nil {
		t.Errorf("pinned %q, %v", key, err)
	}
}

// What no vault writes is refused, that submission only, at every import.
func TestRefusedSubmissions(t *testing.T) {
	d, home := openNew(t)
	v := desktest.NewVault(t)
	certificate := desktest.Certificate(t, home)
	day := v.Submit(certificate, "un")
	many := v.Commit(v.Sealer(certificate).Envelope(), make([][]byte, 102)...)
	sound := v.Submit(certificate, "deux")
	p := v.Forge(v.Parcel(), func(f *desktest.Forgery) {
		i := slices.IndexFunc(f.Index.Submissions, func(s parcel.Submission) bool { return s.ID == day })
		f.Index.Submissions[i].Day = "<script>"
	})
	for range 2 {
		report := importParcel(t, d, p)
		if len(report.Refused) != 2 || report.Refused[day] == "" || report.Refused[many] == "" || report.Sound() {
			t.Errorf("refused %v", report.Refused)
		}
		if strings.Contains(report.Refused[day], "<") {
			t.Errorf("the reason has the server's text: %q", report.Refused[day])
		}
		known := submissions(t, d)
		if len(known) != 1 || known[sound].Message != "deux" || len(report.New)+report.Known != 1 {
			t.Errorf("%d are known; report %+v", len(known), report)
		}
	}
}

// Cut or altered anywhere, a parcel gives what was sound before the place, an
// error that names the submission, and nothing by halves.
func TestDamagedParcel(t *testing.T) {
	v := desktest.NewVault(t)
	whole := desktest.NewHome(t)
	const count = 2
	for range count {
		v.Submit(desktest.Certificate(t, whole), "message", desktest.File{Data: bytes.Repeat([]byte("x"), 3000)})
	}
	p := v.Parcel()
	all := slices.Collect(maps.Keys(func() map[string]casebook.Submission {
		d := desktest.Open(t, whole)
		importParcel(t, d, p)
		return submissions(t, d)
	}()))
	start := bytes.Index(p, []byte("submissions/"))
	for at := start; at < len(p)-1500; at += 2999 { // the last 1,024 bytes are tar's end mark
		for what, bad := range map[string][]byte{"cut": p[:at], "altered": flip(p, at)} {
			d, home := openNew(t)
			report, err := d.Import(ctx, bytes.NewReader(bad))
			var refused *desk.ParcelError
			if !errors.As(err, &refused) {
				if what == "altered" && err == nil && len(submissions(t, d)) == count {
					continue // a byte of tar's own padding
				}
				t.Fatalf("%s at %d of %d: %v", what, at, len(p), err)
			}
			if !slices.Contains(all, refused.Submission) {
				t.Errorf("%s at %d: names %q", what, at, refused.Submission)
			}
			known := submissions(t, d)
			if _, there := known[refused.Submission]; there || len(known) != len(report.New) || len(known) == count {
				t.Errorf("%s at %d: %d in the casebook, %d reported", what, at, len(known), len(report.New))
			}
			checkWhole(t, d, home, known)
			if report := importParcel(t, d, p); len(report.New)+report.Known != count {
				t.Errorf("%s at %d: then whole: %+v", what, at, report)
			}
		}
	}
}

func flip(b []byte, at int) []byte {
	b = bytes.Clone(b)
	b[at] ^= 1
	return b
}

// checkWhole: every submission of the casebook opens, and no other is stored.
func checkWhole(t *testing.T, d *desk.Desk, home string, known map[string]casebook.Submission) {
	t.Helper()
	for id, s := range known {
		for _, i := range s.Items {
			if _, err := read(d, id, i.N); err != nil {
				t.Errorf("item %d of %s: %v", i.N, id, err)
			}
		}
	}
	stored, err := os.ReadDir(filepath.Join(home, "sealed"))
	if err != nil || len(stored) != len(known) {
		t.Errorf("%d submissions known, stored: %v, %v", len(known), stored, err)
	}
}

// A parcel of submissions that are known, or not ours, is not read to the last
// byte; that it was cut off is noticed all the same.
func TestCutParcelOfKnownSubmissions(t *testing.T) {
	d, home := openNew(t)
	v := desktest.NewVault(t)
	for range 2 {
		v.Submit(desktest.Certificate(t, home), "un", desktest.File{Data: make([]byte, 5000)})
	}
	p := v.Parcel()
	importParcel(t, d, p)
	for cut := 1600; cut < len(p)/2; cut += 777 {
		if _, err := d.Import(ctx, bytes.NewReader(p[:len(p)-cut])); !errors.Is(err, parcel.ErrTruncated) {
			t.Errorf("without its last %d bytes: %v", cut, err)
		}
	}
}

func TestOtherReviewers(t *testing.T) {
	d, home := openNew(t)
	v := desktest.NewVault(t)
	other := vaulttest.NewKey(t, vaulttest.PostQuantum).Certificate(t)
	v.Submit(other, "pas pour nous", desktest.File{Data: make([]byte, 9000)})
	v.Channel = "Lyon"
	v.Submit(vaulttest.NewKey(t, vaulttest.V4).Certificate(t), "non plus")
	report := importParcel(t, d, v.Parcel())
	if report.Others != 2 || len(report.New) != 0 || len(submissions(t, d)) != 0 {
		t.Errorf("report %+v", report)
	}
	// Sealed to both, with an old certificate among them: SEIPDv1.
	v.Channel = "Marseille"
	s := v.Sealer(vaulttest.NewKey(t, vaulttest.V4).Certificate(t), desktest.Certificate(t, home))
	raw, err := desktest.Manifest("pour nous aussi").Encode()
	if err != nil {
		t.Fatal(err)
	}
	id := v.Commit(s.Envelope(), v.Seal(s, raw))
	report = importParcel(t, d, v.Parcel())
	if report.Others != 2 || !slices.Equal(report.New, []string{id}) || submissions(t, d)[id].Message != "pour nous aussi" {
		t.Errorf("report %+v", report)
	}
}

// What fails for one submission stops no other, and loses none of its files.
func TestDoubtfulSubmissions(t *testing.T) {
	d, home := openNew(t)
	v, certificate := desktest.NewVault(t), desktest.Certificate(t, home)
	s, other := v.Sealer(certificate), v.Sealer(certificate)
	file := v.Seal(s, []byte("le fichier"))
	sealed := func(m string) []byte { return v.Seal(s, []byte(m)) }
	encode := func(message string, files ...desktest.File) []byte {
		raw, err := desktest.Manifest(message, files...).Encode()
		if err != nil {
			t.Fatal(err)
		}
		return v.Seal(s, raw)
	}
	sound := desktest.File{Name: "a", Data: []byte("le fichier")}
	want := map[string]desk.Doubt{
		v.Commit(s.Envelope(), sealed("{}"), file):                                              desk.DoubtManifest,
		v.Commit(s.Envelope(), sealed(""), file):                                                desk.DoubtManifest,
		v.Commit(s.Envelope(), []byte("not OpenPGP"), file):                                     desk.DoubtManifest,
		v.Commit(s.Envelope(), file[:len(file)-1], file):                                        desk.DoubtManifest,
		v.Commit(s.Envelope(), v.Seal(other, []byte("{}")), file):                               desk.DoubtManifest,
		v.Commit(s.Envelope(), sealed(strings.Repeat(" ", 17<<20)), file):                       desk.DoubtManifest,
		v.Commit(s.Envelope(), encode("", desktest.File{Type: strings.Repeat("x", 9e3)}), file): desk.DoubtManifest,
		v.Commit(s.Envelope(), encode("aucun"), file):                                           desk.DoubtFiles,
		v.Commit(s.Envelope(), encode("deux", sound, sound), file):                              desk.DoubtFiles,
		v.Commit([]byte("not OpenPGP"), encode("x"), file):                                      desk.DoubtEnvelope,
		v.Commit(s.Envelope()[:900], encode("x"), file):                                         desk.DoubtEnvelope,
		v.Commit(flip(s.Envelope(), len(s.Envelope())-1), encode("x"), file):                    desk.DoubtEnvelope,
	}
	v.Commit(s.Envelope(), encode("bien", sound), file)
	report := importParcel(t, d, v.Parcel())
	if len(report.New) != len(want)+1 || !maps.Equal(report.Doubtful, want) {
		t.Errorf("%d new; doubtful %v, want %v", len(report.New), report.Doubtful, want)
	}
	known := submissions(t, d)
	for id, doubt := range want {
		if s := known[id]; s.Doubtful != string(doubt) || len(s.Items) == 0 {
			t.Errorf("%s: %v with %d items", doubt, s.Doubtful, len(s.Items))
		}
		got, err := read(d, id, 1)
		if opens := doubt != desk.DoubtEnvelope; opens != (err == nil) || (opens && string(got) != "le fichier") {
			t.Errorf("%s: its file: %q, %v", doubt, got, err)
		}
	}
	again := importParcel(t, d, v.Parcel())
	if len(again.New) != 0 || again.Known != len(want)+1 {
		t.Errorf("again: %+v", again)
	}
}

// The vault gives another payload for a submission it gave before.
func TestConflict(t *testing.T) {
	d, home := openNew(t)
	v := desktest.NewVault(t)
	id := v.Submit(desktest.Certificate(t, home), "un", desktest.File{Data: []byte("vrai")})
	importParcel(t, d, v.Parcel())
	entry := filepath.Join(home, "sealed", id, "submission.json")
	raw, err := os.ReadFile(entry)
	if err != nil {
		t.Fatal(err)
	}
	// Stand in for a vault that lies: change what is remembered of the first parcel.
	raw = bytes.Replace(raw, []byte(`"size": `), []byte(`"size": 1`), 2)
	if err := os.WriteFile(entry, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	report := importParcel(t, d, v.Parcel())
	if !slices.Equal(report.Conflicts, []string{id}) || report.Known != 0 {
		t.Errorf("report %+v", report)
	}
	if got, err := read(d, id, 1); err != nil || string(got) != "vrai" {
		t.Errorf("what was there: %q, %v", got, err)
	}
}

func TestOneImportAtATime(t *testing.T) {
	d, home := openNew(t)
	v := desktest.NewVault(t)
	v.Submit(desktest.Certificate(t, home), "un")
	p := v.Parcel()
	r, w := io.Pipe()
	done := make(chan error)
	go func() {
		_, err := d.Import(ctx, r)
		done <- err
	}()
	if _, err := w.Write(p[:len(p)/2]); err != nil {
		t.Fatal(err)
	}
	second := desktest.Open(t, home)
	if _, err := second.Import(ctx, bytes.NewReader(p)); !errors.Is(err, desk.ErrBusy) {
		t.Errorf("the second: %v", err)
	}
	if err := second.Pin(v.Key); !errors.Is(err, desk.ErrBusy) {
		t.Errorf("pinning meanwhile: %v", err)
	}
	go func() {
		w.Write(p[len(p)/2:])
		w.Close()
	}()
	if err := <-done; err != nil {
		t.Errorf("the first: %v", err)
	}
	if report := importParcel(t, second, p); report.Known != 1 {
		t.Errorf("afterwards: %+v", report)
	}
}

func TestCancelledImport(t *testing.T) {
	d, home := openNew(t)
	v := desktest.NewVault(t)
	v.Submit(desktest.Certificate(t, home), "un", desktest.File{Data: make([]byte, 2<<20)})
	p := v.Parcel()
	for _, after := range []int64{0, 600, int64(len(p) / 2)} {
		cancelled, cancel := context.WithCancel(ctx)
		r := io.MultiReader(io.LimitReader(bytes.NewReader(p), after), readFunc(func(b []byte) (int, error) {
			cancel()
			return copy(b, p[after:]), nil
		}))
		if _, err := d.Import(cancelled, r); !errors.Is(err, context.Canceled) {
			t.Errorf("after %d bytes: %v", after, err)
		}
		checkWhole(t, d, home, submissions(t, d))
	}
	importParcel(t, d, p)
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(b []byte) (int, error) { return f(b) }
