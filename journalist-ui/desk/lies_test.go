package desk_test

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sourdine/journalist-ui/desk"
	"sourdine/journalist-ui/desk/desktest"
	"sourdine/journalist-ui/witness"
	"sourdine/vault/parcel"
	"sourdine/vault/seal"
	"sourdine/vault/spoken"
	"sourdine/vault/translog"
	"sourdine/vault/vaulttest"
)

// kinds are those of findings, notices left out.
func kinds(findings []witness.Finding) []witness.Kind {
	var all []witness.Kind
	for _, f := range findings {
		if !f.Kind.Notice() {
			all = append(all, f.Kind)
		}
	}
	return all
}

// without takes a submission out of a parcel.
func without(f *desktest.Forgery, id string) {
	f.Index.Submissions = slices.DeleteFunc(f.Index.Submissions, func(s parcel.Submission) bool { return s.ID == id })
}

// swap exchanges two files of a parcel.
func swap(f *desktest.Forgery, a, b string) { f.Files[a], f.Files[b] = f.Files[b], f.Files[a] }

// A server that lies about one submission: it alone is kept apart, and marked
// with the very lie; the other one is imported as if nothing were.
func TestLiesAboutOneSubmission(t *testing.T) {
	home := desktest.NewHome(t)
	v, certificate := desktest.NewVault(t), desktest.Certificate(t, home)
	big := desktest.File{Name: "a", Data: bytes.Repeat([]byte("x"), 300_000)}
	other := desktest.File{Name: "b", Data: []byte("autre")}
	id := v.Submit(certificate, "celui-ci", big, other)
	sound := v.Submit(certificate, "celui-là", other)
	honest := v.Parcel()
	spy, err := seal.ParseCertificate(vaulttest.NewKey(t, vaulttest.PostQuantum).Certificate(t), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	ours, err := seal.ParseCertificate(certificate, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	spied, err := seal.New(seal.Roster{ours, spy}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	envelope, first, second := "submissions/"+id+"/envelope.pgp", desktest.PayloadName(id, 1), desktest.PayloadName(id, 2)
	const chunk = 64 << 10 // and its tag of 16 bytes
	for what, c := range map[string]struct {
		lie  func(*desktest.Forgery)
		want witness.Kind
	}{
		"payloads swapped":           {func(f *desktest.Forgery) { swap(f, first, second) }, witness.PayloadsSwapped},
		"a payload of another":       {func(f *desktest.Forgery) { f.Files[second] = f.Files[first] }, witness.PayloadDiffers},
		"cut at the edge of a chunk": {func(f *desktest.Forgery) { f.Files[first] = cutAtChunk(f.Files[first], chunk) }, desk.PayloadCut},
		"a recipient added":          {func(f *desktest.Forgery) { f.Files[envelope] = append(f.Files[envelope], spied.Envelope()...) }, witness.RecipientAdded},
		"a payload left out": {func(f *desktest.Forgery) {
			entry(f, id).Payloads = entry(f, id).Payloads[:2]
		}, witness.PayloadMissing},
		"another day":     {func(f *desktest.Forgery) { entry(f, id).Day = "2026-02-01" }, witness.DayDiffers},
		"another channel": {func(f *desktest.Forgery) { entry(f, id).Channel = "Lyon" }, witness.ChannelDiffers},
		"a damaged envelope": {func(f *desktest.Forgery) {
			f.Files[envelope] = f.Files[envelope][:900]
		}, witness.EnvelopeUnreadable},
		"dropped": {func(f *desktest.Forgery) { without(f, id) }, witness.Dropped},
	} {
		d, home := openNew(t)
		report := importParcel(t, d, v.Forge(honest, c.lie))
		found := append(kinds(report.Findings[id]), kinds(report.Missing)...)
		if !slices.Contains(found, c.want) || report.Sound() || len(report.Findings[sound]) != 0 {
			t.Errorf("%s: found %v; %+v", what, found, report)
		}
		known := submissions(t, d)
		_, here := known[id]
		if known[sound].Message != "celui-là" || here == (c.want == witness.Dropped) {
			t.Errorf("%s: %d are known, here %v", what, len(known), here)
		}
		// It is told after a restart, and found again from what is stored.
		d = desktest.Open(t, home)
		f, err := d.Findings()
		if err != nil || !f.Doubts(id) || f.Doubts(sound) {
			t.Errorf("%s: then %+v, %v", what, f, err)
		}
		a, err := d.Audit(t.Context())
		if found := append(kinds(a.Findings[id]), kinds(a.Log)...); err != nil || a.Sound() || !slices.Contains(found, c.want) {
			t.Errorf("%s: audit %v, %v", what, found, err)
		}
		// The honest parcel clears it up, where nothing else is here.
		report = importParcel(t, d, honest)
		if c.want == witness.ChannelDiffers || c.want == witness.DayDiffers || c.want == witness.PayloadMissing {
			continue // the casebook says otherwise: a conflict
		}
		if f, err := d.Findings(); err != nil || f.Doubts(id) || report.Found() || submissions(t, d)[id].Message != "celui-ci" {
			t.Errorf("%s: the honest parcel: %+v, %v", what, report, err)
		}
	}
}

func entry(f *desktest.Forgery, id string) *parcel.Submission {
	i := slices.IndexFunc(f.Index.Submissions, func(s parcel.Submission) bool { return s.ID == id })
	return &f.Index.Submissions[i]
}

// cutAtChunk makes a SEIPD packet of an exact number of AEAD chunks, so that
// everything that is left authenticates, but for the last tag.
func cutAtChunk(payload []byte, chunk int) []byte { return payload[:len(payload)/2/chunk*chunk] }

// What is here stays as it is when a later parcel lies about it.
func TestLaterLies(t *testing.T) {
	d, home := openNew(t)
	v, certificate := desktest.NewVault(t), desktest.Certificate(t, home)
	file := desktest.File{Name: "a", Data: []byte("le fichier")}
	id := v.Submit(certificate, "un", file, file)
	honest := v.Parcel()
	importParcel(t, d, honest)
	before := listing(t, home)
	report := importParcel(t, d, v.Forge(honest, func(f *desktest.Forgery) {
		swap(f, desktest.PayloadName(id, 1), desktest.PayloadName(id, 2))
	}))
	if !slices.Equal(report.Conflicts, []string{id}) || !slices.Contains(kinds(report.Findings[id]), witness.PayloadsSwapped) {
		t.Errorf("report %+v", report)
	}
	if f, err := d.Findings(); err != nil || f.Doubts(id) || listing(t, home) != before {
		t.Errorf("what was here is doubted or changed: %v", err)
	}
}

// An older parcel is told first, and what is in it is checked against the log as
// it is.
func TestOldParcel(t *testing.T) {
	d, home := openNew(t)
	v, certificate := desktest.NewVault(t), desktest.Certificate(t, home)
	v.Submit(certificate, "un")
	old := v.Parcel()
	v.Submit(certificate, "deux")
	importParcel(t, d, v.Parcel())
	report := importParcel(t, d, old)
	if got := kinds(report.Parcel); !slices.Equal(got, []witness.Kind{witness.Rollback}) || report.Known != 1 || len(report.Findings) != 0 {
		t.Errorf("report %+v", report)
	}
	if f, err := d.Findings(); err != nil || !slices.Equal(kinds(f.General()), []witness.Kind{witness.Rollback}) {
		t.Errorf("findings %+v, %v", f, err)
	}
}

// A server restored from an old copy goes on with another log: what it brings is
// kept apart.
func TestForkedParcel(t *testing.T) {
	d, home := openNew(t)
	v, certificate := desktest.NewVault(t), desktest.Certificate(t, home)
	first := v.Submit(certificate, "un")
	importParcel(t, d, v.Parcel())
	second := v.Submit(certificate, "deux")
	forked := v.Forge(v.Parcel(), func(f *desktest.Forgery) {
		f.Leaves[0], f.Leaves[1] = f.Leaves[1], f.Leaves[0]
		for i := range f.Index.Submissions {
			f.Index.Submissions[i].Leaf = leafOf(t, f, f.Index.Submissions[i].ID)
		}
	})
	report := importParcel(t, d, forked)
	if len(report.Parcel) == 0 || report.Parcel[0].Kind != witness.Fork || !slices.Contains(kinds(report.Findings[second]), witness.Fork) {
		t.Errorf("report %+v", report)
	}
	f, err := d.Findings()
	if err != nil || !f.Doubts(second) || f.Doubts(first) || submissions(t, d)[second].Message != "deux" {
		t.Errorf("findings %+v, %v", f, err)
	}
}

func leafOf(t *testing.T, f *desktest.Forgery, id string) int64 {
	t.Helper()
	for n, raw := range f.Leaves {
		if bytes.Contains(raw, []byte(`"kind":"submission","id":"`+id)) {
			return int64(n)
		}
	}
	t.Fatalf("no leaf of %s", id)
	return 0
}

// Two desks that were shown two logs find out when they compare.
func TestCompare(t *testing.T) {
	ours, home := openNew(t)
	theirs, _ := openNew(t)
	v := desktest.NewVault(t)
	kept, hidden := v.Submit(desktest.Certificate(t, home), "un"), v.Submit(desktest.Certificate(t, home), "deux")
	honest := v.Parcel()
	importParcel(t, ours, honest)
	importParcel(t, theirs, v.Forge(honest, func(f *desktest.Forgery) {
		without(f, hidden)
		at := leafOf(t, f, hidden)
		f.Leaves = slices.Delete(f.Leaves, int(at), int(at)+1)
		// The batch is shuffled: without its last leaf the log would be an older
		// one, and no other.
		slices.Reverse(f.Leaves)
		f.Index.Submissions[0].Leaf = leafOf(t, f, kept)
	}))
	head, err := theirs.LogHead()
	if err != nil {
		t.Fatal(err)
	}
	if err := ours.Compare(head.Checkpoint); !errors.Is(err, witness.ErrFork) {
		t.Errorf("comparing: %v", err)
	}
	a, err := ours.Audit(t.Context())
	if err != nil || !slices.Contains(kinds(a.Log), witness.Fork) {
		t.Errorf("the audit: %+v, %v", a, err)
	}
	mine, err := ours.LogHead()
	if err != nil {
		t.Fatal(err)
	}
	if err := ours.Compare(mine.Checkpoint); err != nil {
		t.Errorf("with itself: %v", err)
	}
	if err := theirs.Compare(mine.Checkpoint); !errors.Is(err, witness.ErrNotYet) {
		t.Errorf("with one that has seen more: %v", err)
	}
	if strings.Join(spoken.Checkpoint(head.Checkpoint, "fr"), " ") == strings.Join(spoken.Checkpoint(mine.Checkpoint, "fr"), " ") {
		t.Error("two logs have the same words")
	}
}

// A deletion that nobody ordered.
func TestDeletionThatNobodyOrdered(t *testing.T) {
	d, home := openNew(t)
	v := desktest.NewVault(t)
	id := v.Submit(desktest.Certificate(t, home), "un")
	fingerprint := d.Fingerprint()
	report := importParcel(t, d, v.Forge(v.Parcel(), func(f *desktest.Forgery) {
		without(f, id)
		leaf, err := translog.Encode(translog.Deletion{ID: id, Channel: "Nice", Day: "2026-11-30", Reason: translog.ByOrder, By: fingerprint,
			Order: strings.Repeat("ab", 32)})
		if err != nil {
			t.Fatal(err)
		}
		f.Leaves = append(f.Leaves, leaf)
	}))
	if got := kinds(report.Missing); !slices.Equal(got, []witness.Kind{witness.OrderMissing}) {
		t.Errorf("missing %v", got)
	}
}

// Parcels whose log is not what was signed are refused as a whole, each for its
// own reason; what they bring is kept apart.
func TestLogsThatAreWrong(t *testing.T) {
	v := desktest.NewVault(t)
	home := desktest.NewHome(t)
	id := v.Submit(desktest.Certificate(t, home), "un")
	other := desktest.NewVault(t)
	other.Submit(desktest.Certificate(t, home), "autre")
	honest := v.Parcel()
	foreign := other.Forge(other.Parcel(), func(*desktest.Forgery) {})
	for what, c := range map[string]struct {
		lie  func(*desktest.Forgery)
		want witness.Kind
	}{
		"a leaf left out":      {func(f *desktest.Forgery) { f.Replace["leaves.jsonl"] = cutLine(f) }, witness.LeavesTooFew},
		"a leaf twice":         {func(f *desktest.Forgery) { f.Replace["leaves.jsonl"] = append(allLines(f), allLines(f)...) }, witness.LeavesTooMany},
		"no leaves":            {func(f *desktest.Forgery) { f.Replace["leaves.jsonl"] = []byte("{}\n") }, witness.LeafUnreadable},
		"another's checkpoint": {func(f *desktest.Forgery) { f.Replace["checkpoint"] = fileOf(t, foreign, "checkpoint") }, witness.Signature},
		"no checkpoint":        {func(f *desktest.Forgery) { f.Replace["checkpoint"] = []byte("bonjour\n") }, witness.Signature},
		"no proofs":            {func(f *desktest.Forgery) { f.Replace["proofs.jsonl"] = []byte("x\n") }, witness.ProofUnreadable},
	} {
		d, _ := openNew(t)
		report, err := d.Import(t.Context(), bytes.NewReader(v.Forge(honest, c.lie)))
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if !slices.Contains(kinds(report.Parcel), c.want) || report.Sound() || len(submissions(t, d)) != 1 {
			t.Errorf("%s: %+v", what, report)
		}
		if f, err := d.Findings(); err != nil || f.Doubts(id) == (c.want == witness.ProofUnreadable) {
			t.Errorf("%s: doubts %v, %v", what, f.Doubts(id), err)
		}
		report = importParcel(t, d, honest)
		if f, err := d.Findings(); err != nil || report.Found() || f.Doubts(id) {
			t.Errorf("%s: then the honest parcel: %+v, %v", what, report, err)
		}
	}
}

func allLines(f *desktest.Forgery) []byte { return append(bytes.Join(f.Leaves, []byte("\n")), '\n') }

// fileOf reads a file of a parcel.
func fileOf(t *testing.T, p []byte, name string) []byte {
	t.Helper()
	for r := tar.NewReader(bytes.NewReader(p)); ; {
		header, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if header.Name == name {
			raw, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			return raw
		}
	}
}

func cutLine(f *desktest.Forgery) []byte {
	return append(bytes.Join(f.Leaves[1:], []byte("\n")), '\n')
}

// The first desk of a channel sees its own key; another one's asks.
func TestEvents(t *testing.T) {
	d, home := openNew(t)
	v, certificate := desktest.NewVault(t), desktest.Certificate(t, home)
	v.Submit(certificate, "un")
	importParcel(t, d, v.Parcel())
	f, err := d.Findings()
	if events, _ := f.News(); err != nil || events != 1 || f.Events[0].Fingerprint != d.Fingerprint() {
		t.Fatalf("%+v, %v", f, err)
	}
	if err := d.Know(desk.EventKey(f.Events[0])); err != nil {
		t.Fatal(err)
	}
	spy, err := seal.ParseCertificate(vaulttest.NewKey(t, vaulttest.PostQuantum).Certificate(t), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	v.AddReviewer("Éve", spy)
	report := importParcel(t, d, v.Parcel())
	if len(report.Events) != 1 || report.Events[0].Kind != witness.ReviewerAdded || report.Events[0].Name != "Éve" {
		t.Errorf("events %+v", report.Events)
	}
	d = desktest.Open(t, home)
	f, err = d.Findings()
	if events, findings := f.News(); err != nil || events != 1 || findings != 0 {
		t.Errorf("%d events and %d findings are new, %v", events, findings, err)
	}
	if err := d.Know("event 7 nothing"); !errors.Is(err, desk.ErrNotFound) {
		t.Errorf("an unknown event: %v", err)
	}
	if report := importParcel(t, d, v.Parcel()); len(report.Events) != 0 {
		t.Errorf("told twice: %+v", report.Events)
	}
}

// An import that was killed between the log and its findings tells them later.
func TestEventsSurviveACrash(t *testing.T) {
	d, home := openNew(t)
	v := desktest.NewVault(t)
	v.Submit(desktest.Certificate(t, home), "un")
	p := v.Parcel()
	importParcel(t, d, p)
	if err := os.Remove(filepath.Join(home, "findings.json")); err != nil {
		t.Fatal(err)
	}
	report := importParcel(t, d, p)
	if f, err := d.Findings(); err != nil || len(f.Events) != 1 || len(report.Events) != 2 || report.Found() {
		t.Errorf("%+v, %v", report, err)
	}
}

// What a killed import stored is looked at again before it is acknowledged.
func TestDoubtsSurviveACrash(t *testing.T) {
	v := desktest.NewVault(t)
	certificate := desktest.Certificate(t, desktest.NewHome(t))
	id := v.Submit(certificate, "un", desktest.File{Name: "a", Data: []byte("a")}, desktest.File{Name: "b", Data: []byte("b")})
	forged := v.Forge(v.Parcel(), func(f *desktest.Forgery) { swap(f, desktest.PayloadName(id, 1), desktest.PayloadName(id, 2)) })
	for what, next := range map[string]func(*desk.Desk){
		"a return parcel":  func(d *desk.Desk) { prepare(t, d) },
		"the same parcel":  func(d *desk.Desk) { importParcel(t, d, forged) },
		"an audit":         func(d *desk.Desk) { _, err := d.Audit(t.Context()); must(t, err) },
		"a refused parcel": func(d *desk.Desk) { _, _ = d.Import(t.Context(), bytes.NewReader(forged[:len(forged)/2])) },
	} {
		d, home := openNew(t)
		importParcel(t, d, forged)
		f, err := d.Findings()
		must(t, err)
		f.Submissions, f.Interrupted = nil, true // as open writes it
		raw, err := json.Marshal(f)
		must(t, err)
		must(t, os.WriteFile(filepath.Join(home, "findings.json"), raw, 0o600))
		next(d)
		if f, err := d.Findings(); err != nil || !f.Doubts(id) || f.Interrupted {
			t.Errorf("%s: %+v, %v", what, f, err)
		}
		if what == "a return parcel" {
			out, err := d.Outgoing(t.Context())
			if err != nil || out.Pending.Acknowledged != 0 {
				t.Errorf("%s: it was acknowledged: %+v, %v", what, out.Pending, err)
			}
		}
	}
}

// An audit of a sound desk finds nothing; of one whose disk rots, the file.
func TestAudit(t *testing.T) {
	v := desktest.NewVault(t)
	first := desktest.NewHome(t)
	id := v.Submit(desktest.Certificate(t, first), "un", desktest.File{Name: "a", Data: []byte("le fichier")})
	v.Submit(desktest.Certificate(t, first), "deux")
	p := v.Parcel()
	d, _ := openNew(t)
	if _, err := d.Audit(t.Context()); !errors.Is(err, desk.ErrNoVault) {
		t.Errorf("an empty desk: %v", err)
	}
	for what, rot := range rots {
		d, home := openNew(t)
		importParcel(t, d, p)
		a, err := d.Audit(t.Context())
		if err != nil || !a.Sound() || a.Submissions != 2 || a.Files != 5 || a.Leaves != 4 {
			t.Fatalf("a sound desk: %+v, %v", a, err)
		}
		if err := rot(filepath.Join(home, "sealed", id)); err != nil {
			t.Fatal(err)
		}
		a, err = d.Audit(t.Context())
		got := kinds(a.Findings[id])
		if err != nil || a.Sound() || len(got) == 0 || got[0] != desk.StoredDamaged && got[0] != desk.StoredLost {
			t.Errorf("%s: %v, %v", what, got, err)
		}
		importParcel(t, d, p)
		if a, err := d.Audit(t.Context()); err != nil || !a.Sound() {
			t.Errorf("%s: mended: %+v, %v", what, a, err)
		}
	}
}
