package parcel_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"sourdine/vault"
	"sourdine/vault/parcel"
	"sourdine/vault/translog"
	"sourdine/vault/vaulttest"
)

// eventful is a vault with something of everything that a parcel can hold, and
// larger than what is made at a time of anything. It returns a reviewer of all.
func eventful(t testing.TB) (*vault.Vault, vaulttest.Key) {
	t.Helper()
	v, alice := vaulttest.NewVault(t), newReviewer(t)
	addChannel(t, v, "Nice", alice)
	fill(t, v, 200, 2)
	for n := range 10 {
		submit(t, v, "Nice", random(1000), random(n*40_000), random(n))
	}
	deleteByOrder(t, v, alice, submit(t, v, "Nice", random(9), random(9)), []byte("an order"))
	addMember(t, v, "Nice", newReviewer(t))
	setDesk(t, v, alice, vault.DeskState{Sequence: 1, Applied: []byte("a receipt")})
	batch(t, v)
	return v, alice
}

// The same request gives the same bytes, from two plans, from any place on, to
// readers side by side.
func TestSameRequestSameBytes(t *testing.T) {
	v, alice := eventful(t)
	for _, r := range []parcel.Request{{}, {Reviewer: fingerprint(alice)}, {Bytes: 100_000}} {
		p, again := planned(t, v, r), planned(t, v, r)
		want := bytesOf(t, p)
		contentOf(t, want).check(t, nil)
		if p.Digest() != again.Digest() || len(p.Digest()) != 64 || !bytes.Equal(want, bytesOf(t, again)) {
			t.Errorf("%+v: two plans of one request differ", r)
		}
		var readers sync.WaitGroup
		for range 4 {
			readers.Go(func() {
				r := again.Reader(ctx)
				for range 20 {
					from := mathrand.Int64N(again.Size() + 1)
					got := make([]byte, min(again.Size()-from, 1+mathrand.Int64N(150_000)))
					_, err := r.Seek(from, io.SeekStart)
					if _, errRead := io.ReadFull(r, got); err != nil || errRead != nil || !bytes.Equal(got, want[from:from+int64(len(got))]) {
						t.Errorf("%d bytes from %d: %v, %v", len(got), from, err, errRead)
					}
				}
			})
		}
		readers.Wait()
	}
	if planned(t, v, parcel.Request{}).Digest() == planned(t, v, parcel.Request{Reviewer: fingerprint(alice)}).Digest() {
		t.Error("two requests have one digest")
	}
	small := newVault(t)
	submit(t, small, "Nice", random(9), random(700))
	batch(t, small)
	p := planned(t, small, parcel.Request{})
	if err := iotest.TestReader(p.Reader(ctx), bytesOf(t, p)); err != nil {
		t.Error(err)
	}
}

// A download over HTTP goes on where it broke off, with a plan made anew.
func TestServedWithRanges(t *testing.T) {
	v, alice := eventful(t)
	r := parcel.Request{Reviewer: fingerprint(alice), Size: batch(t, v)}
	want := bytesOf(t, planned(t, v, r))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		p, err := parcel.Prepare(q.Context(), v, fixedKey(1).secret, r)
		if err != nil {
			http.Error(w, "refused", http.StatusGone)
			return
		}
		w.Header().Set("Content-Type", "application/x-tar")
		w.Header().Set("ETag", `"`+p.Digest()+`"`)
		http.ServeContent(w, q, "", time.Time{}, p.Reader(q.Context()))
	}))
	defer server.Close()
	get := func(ranges, tag string) (int, []byte) {
		t.Helper()
		q, err := http.NewRequest(http.MethodGet, server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		if ranges != "" {
			q.Header.Set("Range", ranges)
			q.Header.Set("If-Range", tag)
		}
		response, err := http.DefaultClient.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, body
	}
	tag := `"` + planned(t, v, r).Digest() + `"`
	if status, body := get("", ""); status != http.StatusOK || !bytes.Equal(body, want) {
		t.Errorf("the whole: status %d, %d bytes", status, len(body))
	}
	for _, from := range []int{1, 511, 512, 5000, len(want) / 2, len(want) - 1} {
		submit(t, v, "Nice", random(9), random(9)) // the log grows meanwhile
		batch(t, v)
		status, body := get(fmt.Sprintf("bytes=%d-", from), tag)
		if status != http.StatusPartialContent || !bytes.Equal(body, want[from:]) {
			t.Errorf("from %d: status %d, %d bytes", from, status, len(body))
		}
	}
	acknowledge(t, v, alice, vault.ID(decodeID(t, planned(t, v, r).Index().Submissions[0].ID)))
	if status, body := get("bytes=512-", tag); status != http.StatusOK || bytes.Equal(body, want) {
		t.Errorf("of another parcel: status %d, %d bytes", status, len(body))
	}
}

// What joined the log after the size that was asked for is left out.
func TestSizeBounds(t *testing.T) {
	v := vaulttest.NewVault(t)
	alice := newReviewer(t)
	addChannel(t, v, "Nice", alice)
	ids := []vault.ID{submit(t, v, "Nice", random(9), random(9)), submit(t, v, "Nice", random(9), random(9))}
	size := batch(t, v)
	want := bytesOf(t, planned(t, v, parcel.Request{}))
	for n := range 5 {
		later := submit(t, v, "Nice", random(9), random(9))
		if n == 3 {
			if err := v.AddChannel(ctx, "Marseille"); err != nil {
				t.Fatal(err)
			}
		}
		if n%2 == 0 { // also while something is pending
			batch(t, v)
		}
		p := planned(t, v, parcel.Request{Size: size})
		if !bytes.Equal(bytesOf(t, p), want) || !sameSet(idsIn(p.Index()), texts(ids...)) {
			t.Errorf("after %s was added the log at %d leaves has %q", later, size, idsIn(p.Index()))
		}
		parts, err := parcel.Parts(ctx, v, parcel.Request{Size: size, Bytes: 1})
		if err != nil || len(parts) != len(ids) {
			t.Fatalf("%d parts, %v", len(parts), err)
		}
		if last := planned(t, v, parcel.Request{Size: size, After: parts[1]}); len(last.Index().Submissions) != 1 || last.Index().Size != size {
			t.Errorf("the second part is %+v", last.Index())
		}
	}
	whole := contentOf(t, request(t, v, parcel.Request{}))
	whole.check(t, nil)
	if len(whole.index.Submissions) != 7 {
		t.Errorf("at its end the log has %d", len(whole.index.Submissions))
	}
	for at := range whole.index.Size {
		p, err := parcel.NewPlan(ctx, v, fixedKey(1).secret, parcel.Request{Size: at + 1})
		if errors.Is(err, parcel.ErrOutdated) { // its submission's roster joined the log later, in the same batch
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		c := contentOf(t, bytesOf(t, p))
		c.check(t, nil)
		if c.index.Size != at+1 {
			t.Errorf("asked for %d leaves, got %d", at+1, c.index.Size)
		}
	}
}

// The log as it was asked for does not tell what became of a submission: a desk
// would say that the vault keeps it back, so there is no such parcel.
func TestOutdated(t *testing.T) {
	v := vaulttest.NewVault(t)
	alice := newReviewer(t)
	addChannel(t, v, "Nice", alice)
	var ids []vault.ID
	for range 4 {
		ids = append(ids, submit(t, v, "Nice", random(9), random(9)))
	}
	size := batch(t, v)
	outdated := func(when string, r parcel.Request) {
		t.Helper()
		if _, err := parcel.NewPlan(ctx, v, fixedKey(1).secret, r); !errors.Is(err, parcel.ErrOutdated) {
			t.Errorf("%s: %v", when, err)
		}
	}
	whole := func(want ...vault.ID) {
		t.Helper()
		c := contentOf(t, request(t, v, parcel.Request{})) // lets what is pending join
		c.check(t, nil)
		if !sameSet(idsIn(c.index), texts(want...)) {
			t.Errorf("now there are %q, want %q", idsIn(c.index), texts(want...))
		}
	}
	acknowledge(t, v, alice, ids[3]) // nobody would get it, and yet its end must show
	deleteByOrder(t, v, alice, ids[3], []byte("an order"))
	outdated("the deletion waits for the log", parcel.Request{})
	outdated("the deletion waits for the log", parcel.Request{Reviewer: fingerprint(alice), Size: size})
	whole(ids[:3]...)
	outdated("the deletion is in the log, later", parcel.Request{Size: size})
	bob := newReviewer(t)
	addMember(t, v, "Nice", bob)
	size = batch(t, v) - 1
	apply(t, v, func(c *vault.Change) error { return c.Reenvelope(ids[0], random(20), 2) })
	outdated("the new roster is in the log, later", parcel.Request{Size: size})
	whole(ids[:3]...)
}

// A meddler is a context in which something happens: planning asks it before each
// submission, when it has read the headers of those that follow.
type meddler struct {
	context.Context
	meddle func()
}

func (m *meddler) Err() error {
	if fn := m.meddle; fn != nil {
		m.meddle = nil
		fn()
	}
	return m.Context.Err()
}

// What changes under a plan that is being made makes it outdated, whenever.
func TestOutdatedWhilePlanned(t *testing.T) {
	for name, meddle := range map[string]func(*testing.T, *vault.Vault, vaulttest.Key, vault.ID){
		"deleted": func(t *testing.T, v *vault.Vault, by vaulttest.Key, id vault.ID) {
			deleteByOrder(t, v, by, id, []byte("an order"))
		},
		"deleted, and in the log": func(t *testing.T, v *vault.Vault, by vaulttest.Key, id vault.ID) {
			deleteByOrder(t, v, by, id, []byte("an order"))
			batch(t, v)
		},
		"sealed anew": func(t *testing.T, v *vault.Vault, by vaulttest.Key, id vault.ID) {
			addMember(t, v, "Nice", newReviewer(t))
			apply(t, v, func(c *vault.Change) error { return c.Reenvelope(id, random(20), 2) })
		},
	} {
		v, alice := vaulttest.NewVault(t), newReviewer(t)
		addChannel(t, v, "Nice", alice)
		for range 3 {
			submit(t, v, "Nice", random(20), random(9))
		}
		batch(t, v)
		ids := idsIn(planned(t, v, parcel.Request{}).Index())
		for _, id := range ids[:2] { // before it is asked for, and after
			m := &meddler{ctx, func() { meddle(t, v, alice, vault.ID(decodeID(t, id))) }}
			if _, err := parcel.NewPlan(m, v, fixedKey(1).secret, parcel.Request{}); !errors.Is(err, parcel.ErrOutdated) || m.meddle != nil {
				t.Errorf("%s: %v", name, err)
			}
			contentOf(t, request(t, v, parcel.Request{})).check(t, nil)
		}
	}
}

// What was planned and is not there any more, or is another thing, is an error
// for its reader, and the bytes before are what they were.
func TestChangedSincePlanned(t *testing.T) {
	v := vaulttest.NewVault(t)
	alice := newReviewer(t)
	addChannel(t, v, "Nice", alice)
	setDesk(t, v, alice, vault.DeskState{Sequence: 1, Applied: []byte("the first receipt")})
	for range 6 {
		submit(t, v, "Nice", random(100), random(700_000), random(10))
	}
	batch(t, v)
	p := planned(t, v, parcel.Request{})
	want := bytesOf(t, p)
	read := func(r io.Reader, wantErr error, before string) {
		t.Helper()
		got, err := io.ReadAll(r)
		limit := bytes.Index(want, []byte(before+"\x00"))
		if !errors.Is(err, wantErr) || !strings.HasPrefix(err.Error(), "failed to read "+before) || !bytes.HasPrefix(want, got) || len(got) > limit+512 {
			t.Errorf("%s: %v after %d bytes, which are %v", before, err, len(got), bytes.HasPrefix(want, got))
		}
	}
	ids := idsIn(p.Index())
	id := func(n int) vault.ID { return vault.ID(decodeID(t, ids[n])) }
	apply(t, v, func(c *vault.Change) error { return c.Reenvelope(id(4), random(100), 1) }) // as long as before
	read(p.Reader(ctx), parcel.ErrOutdated, "submissions/"+ids[4]+"/envelope.pgp")
	deleteByOrder(t, v, alice, id(3), []byte("an order"))
	read(p.Reader(ctx), vault.ErrNotFound, "submissions/"+ids[3]+"/envelope.pgp")

	// Deleted while its payload is read.
	begun := p.Reader(ctx)
	at := int64(bytes.Index(want, []byte("submissions/"+ids[2]+"/0.pgp"))) + 512
	head := make([]byte, at+300_000)
	if _, err := io.ReadFull(begun, head); err != nil || !bytes.Equal(head, want[:len(head)]) {
		t.Fatal(err)
	}
	deleteByOrder(t, v, alice, id(2), []byte("an order"))
	rest, err := io.ReadAll(begun)
	if !errors.Is(err, vault.ErrNotFound) || !bytes.HasPrefix(want[len(head):], rest) || len(rest) > 600_000 {
		t.Errorf("deleted while it is read: %v after %d bytes", err, len(rest))
	}
	setDesk(t, v, alice, vault.DeskState{Sequence: 2, Applied: []byte("another receipt!!")})
	read(p.Reader(ctx), parcel.ErrOutdated, "applied/"+fingerprint(alice)+".note")
	var b bytes.Buffer
	if err := p.Write(ctx, &b); !errors.Is(err, parcel.ErrOutdated) || !bytes.HasPrefix(want, b.Bytes()) {
		t.Errorf("Write: %v after %d bytes", err, b.Len())
	}
}

// Write goes on when submissions are deleted under it all the time.
func TestWriteWhileThingsHappen(t *testing.T) {
	v := vaulttest.NewVault(t)
	alice := newReviewer(t)
	addChannel(t, v, "Nice", alice)
	ids := make(chan vault.ID, 40)
	for range cap(ids) {
		ids <- submit(t, v, "Nice", random(9), random(9))
	}
	done, stop := context.WithCancel(ctx)
	var busy sync.WaitGroup
	busy.Go(func() {
		for done.Err() == nil {
			select {
			case id := <-ids:
				deleteByOrder(t, v, alice, id, id[:])
			default:
			}
			submit(t, v, "Nice", random(9), random(9))
		}
	})
	for range 20 {
		p, err := parcel.Prepare(ctx, v, fixedKey(1).secret, parcel.Request{})
		if errors.Is(err, parcel.ErrOutdated) { // five times in a row
			continue
		}
		if err != nil {
			t.Error(err)
			break
		}
		checkAccounted(t, p)
	}
	stop()
	busy.Wait()
	c := contentOf(t, request(t, v, parcel.Request{}))
	c.check(t, nil)
}

// checkAccounted does what a desk does with the leaves of a parcel for all: each
// submission is here, or was deleted.
func checkAccounted(t *testing.T, p *parcel.Plan) {
	t.Helper()
	here := map[string]bool{}
	for _, id := range idsIn(p.Index()) {
		here[id] = true
	}
	for _, leaf := range leavesOf(t, p) {
		switch leaf := leaf.(type) {
		case translog.Submission:
			if !here[leaf.ID] {
				here[leaf.ID] = false
			}
		case translog.Deletion:
			here[leaf.ID] = true
		}
	}
	for id, accounted := range here {
		if !accounted {
			t.Errorf("%s is neither here nor deleted", id)
		}
	}
}

// leavesOf reads the leaves and nothing else of a parcel.
func leavesOf(t *testing.T, p *parcel.Plan) (leaves []translog.Leaf) {
	t.Helper()
	r, err := parcel.Open(p.Reader(ctx), trustAll)
	if err != nil {
		t.Fatal(err)
	}
	for f := (parcel.File{}); f.Name != parcel.LeavesName; {
		if f, err = r.Next(); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines(t, raw) {
		leaf, err := translog.Decode(line)
		if err != nil {
			t.Fatal(err)
		}
		leaves = append(leaves, leaf)
	}
	return leaves
}
