package witness

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"sourdine/vault"
	"sourdine/vault/order"
	"sourdine/vault/seal"
	"sourdine/vault/translog"
)

const (
	nice, lyon = "Nice", "Lyon"
	made       = "2026-01-01" // channels and rosters
	sent       = "2026-01-10" // submissions
	later      = "2026-03-01"
)

func noon(day string) time.Time {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		panic(err)
	}
	return t.Add(12 * time.Hour)
}

// A person is a reviewer with a key of their own.
type person struct {
	name   string
	entity *openpgp.Entity
	cert   []byte
	finger string
}

func newPerson(name string, lifetime time.Duration) person {
	created := noon("2025-12-01")
	e, err := openpgp.NewEntityWithoutId(&packet.Config{
		Time: func() time.Time { return created }, V6Keys: true, Algorithm: packet.PubKeyAlgoEd25519,
		DefaultCipher: packet.CipherAES256, AEADConfig: &packet.AEADConfig{DefaultMode: packet.AEADModeGCM},
		KeyLifetimeSecs: uint32(lifetime / time.Second),
	})
	if err != nil {
		panic(err)
	}
	return personOf(name, e)
}

// newOldPerson has a certificate as GnuPG makes them: v4.
func newOldPerson(name string) person {
	e, err := openpgp.NewEntity(name, "", "", &packet.Config{Time: func() time.Time { return noon("2025-12-01") },
		DefaultCipher: packet.CipherAES256, Algorithm: packet.PubKeyAlgoEdDSA})
	if err != nil {
		panic(err)
	}
	return personOf(name, e)
}

func personOf(name string, e *openpgp.Entity) person {
	var b bytes.Buffer
	if err := e.Serialize(&b); err != nil {
		panic(err)
	}
	return person{name, e, b.Bytes(), strings.ToUpper(hex.EncodeToString(e.PrimaryKey.Fingerprint))}
}

type cast struct{ alice, bob, carol, mallory, brief, oldAnna, oldMax person }

// people are made once: none of the tests changes them.
var people = sync.OnceValue(func() cast {
	return cast{
		newPerson("Alice", 0), newPerson("Bob", 0), newPerson("Carol", 0), newPerson("Mallory", 0),
		newPerson("Brief", 35*24*time.Hour), // until 2026-01-05
		newOldPerson("Anna"), newOldPerson("Max"),
	}
})

// A server is a vault's log in memory, which does whatever a test wants.
type server struct {
	tb      testing.TB
	secret  string
	public  string
	leaves  [][]byte
	hashes  []tlog.Hash
	rosters map[string]vault.Roster // current
	files   map[string][]byte       // rosters by sum
	orders  map[string][]byte
	subs    map[string]*Received
	numbers map[string]int64
}

func newServer(tb testing.TB) *server {
	secret, public, err := note.GenerateKey(rand.Reader, "sourdine/vault/"+digest(tb.Name() + rand.Text())[:8])
	if err != nil {
		tb.Fatal(err)
	}
	return &server{tb: tb, secret: secret, public: public, rosters: map[string]vault.Roster{}, files: map[string][]byte{},
		orders: map[string][]byte{}, subs: map[string]*Received{}, numbers: map[string]int64{}}
}

// fork is another log that begins like this one.
func (s *server) fork() *server {
	f := *s
	f.leaves, f.hashes = slices.Clone(s.leaves), slices.Clone(s.hashes)
	f.rosters, f.files, f.orders = maps.Clone(s.rosters), maps.Clone(s.files), maps.Clone(s.orders)
	f.subs, f.numbers = maps.Clone(s.subs), maps.Clone(s.numbers)
	return &f
}

func (s *server) size() int64 { return int64(len(s.leaves)) }

func (s *server) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var out []tlog.Hash
	for _, i := range indexes {
		out = append(out, s.hashes[i])
	}
	return out, nil
}

func (s *server) add(leaf translog.Leaf) {
	s.tb.Helper()
	raw, err := translog.Encode(leaf)
	if err != nil {
		s.tb.Fatal(err)
	}
	s.addRaw(raw)
}

func (s *server) addRaw(raw []byte) {
	more, err := translog.Append(s.size(), [][]byte{raw}, s)
	if err != nil {
		s.tb.Fatal(err)
	}
	s.hashes = append(s.hashes, more...)
	s.leaves = append(s.leaves, raw)
}

// rebuild hashes the leaves again after a test changed them.
func (s *server) rebuild() {
	leaves := s.leaves
	s.leaves, s.hashes = nil, nil
	for _, raw := range leaves {
		s.addRaw(raw)
	}
}

func (s *server) sign(size int64) []byte {
	s.tb.Helper()
	root, err := translog.Root(size, s)
	if err != nil {
		s.tb.Fatal(err)
	}
	origin, err := translog.Origin(s.public)
	if err != nil {
		s.tb.Fatal(err)
	}
	signed, err := translog.Checkpoint{Origin: origin, Size: size, Root: root}.Sign(s.secret)
	if err != nil {
		s.tb.Fatal(err)
	}
	return signed
}

func (s *server) checkpoint() []byte { return s.sign(s.size()) }

func (s *server) lines(from, to int64) io.Reader {
	var b bytes.Buffer
	for _, raw := range s.leaves[from:to] {
		b.Write(append(slices.Clone(raw), '\n'))
	}
	return &b
}

func (s *server) proofs(ids ...string) io.Reader {
	var b bytes.Buffer
	for _, id := range ids {
		proof, err := translog.Inclusion(s.numbers[id], s.size(), s)
		if err != nil {
			s.tb.Fatal(err)
		}
		line, _ := json.Marshal(map[string]any{"id": id, "index": s.numbers[id], "proof": proof})
		b.Write(append(line, '\n'))
	}
	return &b
}

// setRoster changes a channel's reviewers.
func (s *server) setRoster(channel, day string, members ...person) {
	s.tb.Helper()
	r, known := s.rosters[channel]
	if known {
		r.Epoch++
	}
	r.Channel, r.Members = channel, nil
	for _, p := range members {
		r.Members = append(r.Members, vault.Member{Name: p.name, Fingerprint: p.finger, Certificate: p.cert, Added: day, ClientKey: "X"})
	}
	s.rosters[channel] = r
	s.putRoster(r, day)
}

func (s *server) putRoster(r vault.Roster, day string) {
	leaf, raw := s.rosterLeaf(r)
	leaf.Day = day
	s.files[leaf.SHA256] = raw
	s.add(leaf)
}

func (s *server) rosterLeaf(r vault.Roster) (leaf translog.Roster, file []byte) {
	file, err := json.Marshal(r)
	if err != nil {
		s.tb.Fatal(err)
	}
	leaf = translog.Roster{Channel: r.Channel, Epoch: r.Epoch, SHA256: sumOf(file)}
	for _, m := range r.Members {
		leaf.Members = append(leaf.Members, translog.Member{Name: m.Name, Fingerprint: m.Fingerprint})
	}
	return leaf, file
}

// channels makes two: Nice of Alice and Bob, Lyon of Carol.
func (s *server) channels() *server {
	p := people()
	s.setRoster(nice, made)
	s.setRoster(nice, made, p.alice)
	s.setRoster(nice, made, p.alice, p.bob)
	s.setRoster(lyon, made)
	s.setRoster(lyon, made, p.carol)
	return s
}

func sealTo(tb testing.TB, day string, to ...person) []byte {
	tb.Helper()
	var roster seal.Roster
	for _, p := range to {
		c, err := seal.ParseCertificate(p.cert, noon(day))
		if err != nil {
			tb.Fatal(err)
		}
		roster = append(roster, c)
	}
	sealer, err := seal.New(roster, noon(day))
	if err != nil {
		tb.Fatal(err)
	}
	return sealer.Envelope()
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// submit accepts a submission of three payloads, and returns its id.
func (s *server) submit(channel, day string, sealedTo ...person) string {
	s.tb.Helper()
	id := vault.NewID().String()
	roster := s.rosters[channel]
	var payloads, recipients []string
	for n := range 3 {
		payloads = append(payloads, digest(fmt.Sprint(id, n)))
	}
	for _, m := range roster.Members {
		recipients = append(recipients, translog.RecipientHash(m.Fingerprint))
	}
	slices.Sort(recipients)
	s.subs[id] = &Received{ID: id, Channel: channel, Day: day, Epoch: roster.Epoch, Payloads: payloads}
	if len(sealedTo) > 0 {
		s.subs[id].Envelope = sealTo(s.tb, day, sealedTo...)
	}
	s.numbers[id] = s.size()
	s.add(translog.Submission{ID: id, Channel: channel, Day: day, Epoch: roster.Epoch, Recipients: recipients, Payloads: payloads})
	return id
}

// got is what a parcel brings of a submission, for a test to change.
func (s *server) got(id string) Received {
	r := *s.subs[id]
	r.Payloads = slices.Clone(r.Payloads)
	return r
}

// order signs a deletion order and keeps it; it returns its sum.
func (s *server) order(by person, day, vaultKey string, deletions ...order.Deletion) string {
	s.tb.Helper()
	slices.SortFunc(deletions, func(a, b order.Deletion) int { return strings.Compare(a.ID, b.ID) })
	signed, err := (&order.Return{VaultKey: vaultKey, Reviewer: by.finger, Sequence: 1}).Sign(deletions, by.entity, noon(day))
	if err != nil {
		s.tb.Fatal(err)
	}
	s.orders[sumOf(signed.Deletions)] = signed.Proof()
	return sumOf(signed.Deletions)
}

func (s *server) deleteByOrder(id, channel, day string, by person) {
	sum := s.order(by, day, s.public, order.Deletion{ID: id, Channel: channel})
	s.add(translog.Deletion{ID: id, Channel: channel, Day: day, Reason: translog.ByOrder, By: by.finger, Order: sum})
}

// newBook makes an empty book for the server's log.
func newBook(tb testing.TB, s *server) *Book {
	tb.Helper()
	dir := filepath.Join(tb.TempDir(), "log")
	if err := Create(dir); err != nil {
		tb.Fatal(err)
	}
	return openBook(tb, dir, s)
}

func openBook(tb testing.TB, dir string, s *server) *Book {
	tb.Helper()
	b, err := Open(dir, s.public)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { b.Close() })
	return b
}

// tell brings the book up to the server's log, as an import does.
func (s *server) tell(b *Book) (Change, error) { return s.tellUpTo(b, s.size()) }

func (s *server) tellUpTo(b *Book, size int64) (Change, error) {
	v, err := b.Begin(s.sign(size))
	if err != nil {
		return Change{}, err
	}
	defer v.Drop()
	since := b.Size()
	if err := v.Leaves(s.lines(since, size), since); err != nil {
		return Change{}, err
	}
	for _, raw := range s.files {
		if err := v.Roster(raw); err != nil && kindOf(err) != FileUnnamed {
			return Change{}, err
		}
	}
	for _, raw := range s.orders {
		if err := v.Order(raw); err != nil && kindOf(err) != FileUnnamed {
			return Change{}, err
		}
	}
	return v.Commit()
}

func (s *server) mustTell(b *Book) Change {
	s.tb.Helper()
	change, err := s.tell(b)
	if err != nil {
		s.tb.Fatal(err)
	}
	return change
}

// kindOf is that of a Refused error, else "".
func kindOf(err error) Kind {
	var refused *Refused
	if errors.As(err, &refused) {
		return refused.Finding.Kind
	}
	return ""
}

func kinds(findings []Finding) []Kind {
	var all []Kind
	for _, f := range findings {
		all = append(all, f.Kind)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func wantKinds(tb testing.TB, findings []Finding, want ...Kind) {
	tb.Helper()
	slices.Sort(want)
	if got := kinds(findings); !slices.Equal(got, want) {
		tb.Errorf("found %v, want %v\n%+v", got, want, findings)
	}
}

// all holds every submission that is not in absent, and acknowledged each on
// the day it was sent.
func (s *server) all(who person, absent ...string) Holdings {
	return Holdings{Fingerprint: who.finger,
		Here:         func(id string) bool { return s.subs[id] != nil && !slices.Contains(absent, id) },
		Acknowledged: func(id string) (string, bool) { return s.subs[id].Day, true }}
}
