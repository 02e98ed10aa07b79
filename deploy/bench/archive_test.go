//go:build bench

package bench

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sourdine/deploy/e2e/program"
	"sourdine/vault"
	"sourdine/vault/manifest"
	"sourdine/vault/seal"
	"sourdine/vault/vaulttest"
)

const (
	// archived is how many submissions the large vault holds, and forDesk how many
	// of them are for the desk.
	archived = 100_000
	forDesk  = archived / 10

	kib = 1 << 10

	// builders fill the vault: as many commits share a transaction.
	builders = 512

	elsewhere = "Lyon" // the channel of all that is not for the desk

	firstEpoch = 1 // of a roster with a reviewer
)

// An archive is a home with a great many submissions, and a desk that may read
// a tenth of them: those of program.Channel.
type archive struct {
	home     string // the server's
	desk     string // the desk's
	password string // the file with the desk's passphrase

	mu     sync.Mutex
	mine   []vault.ID // those for the desk
	traces [][]byte   // of the payloads of some of these
	more   int        // submissions that came later
}

// TestArchive prints what a vault with 100,000 submissions costs: to open, to
// carry a tenth of it to a desk and audit it there, and to delete that tenth.
func TestArchive(t *testing.T) {
	a := buildArchive(t)
	t.Run("Opening", a.opening)
	if t.Run("Desk", a.carry) { // what it has can be deleted
		t.Run("Deletion", a.deletion)
	}
}

func buildArchive(t *testing.T) *archive {
	t.Helper()
	dir := t.TempDir()
	a := &archive{home: filepath.Join(dir, "home"), desk: filepath.Join(dir, "desk"), password: filepath.Join(dir, "passphrase")}
	if err := os.WriteFile(a.password, []byte("a passphrase for the bench\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	program.Run(t, 0, "sourdine", "init", "--home", a.home)
	program.Run(t, 0, "sourdine-desk", "init", "--home", a.desk, "--name", "Camille", "--passphrase-file", a.password)
	mine := program.Run(t, 0, "sourdine-desk", "card", "--home", a.desk)
	a.enrol(t, program.Channel, []byte(mine))
	a.enrol(t, elsewhere, vaulttest.NewKey(t, vaulttest.PostQuantum).Certificate(t))
	start := time.Now()
	a.fill(t)
	info, err := os.Stat(filepath.Join(a.home, "vault.db"))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("\na vault with %d submissions of 1 KiB, %d of them for the desk: made in %.0f s, %d MiB\n",
		archived, forDesk, time.Since(start).Seconds(), info.Size()/mib)
	return a
}

// enrol makes a channel with one reviewer.
func (a *archive) enrol(t *testing.T, channel string, card []byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "card")
	if err := os.WriteFile(path, card, 0o600); err != nil {
		t.Fatal(err)
	}
	program.Run(t, 0, "sourdine", "channel", "add", "--home", a.home, channel)
	program.Run(t, 0, "sourdine", "reviewer", "add", "--home", a.home, "--channel", channel, path)
}

// fill seals and commits as the source's site does, without HTTP and mailboxes.
func (a *archive) fill(t *testing.T) {
	t.Helper()
	v, err := vault.Open(filepath.Join(a.home, "vault.db"))
	if err != nil {
		t.Fatal(err)
	}
	rosters := map[string]seal.Roster{program.Channel: rosterOf(t, v, program.Channel), elsewhere: rosterOf(t, v, elsewhere)}
	var next atomic.Int64
	var all sync.WaitGroup
	for range builders {
		all.Go(func() {
			for n := next.Add(1); n <= archived && !t.Failed(); n = next.Add(1) {
				channel := elsewhere
				if n%(archived/forDesk) == 0 {
					channel = program.Channel
				}
				if err := a.add(v, channel, rosters[channel]); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if _, err := v.Batch(t.Context()); err != nil {
		t.Error(err)
	}
	if err := v.Close(); err != nil || t.Failed() {
		t.Fatalf("failed to make the vault: %v", err)
	}
}

const (
	traceCount = 4
	traceSize  = 32 // bytes
)

// add adds a submission, and remembers it when it is for the desk.
func (a *archive) add(v *vault.Vault, channel string, roster seal.Roster) error {
	n, err := sealNote(roster)
	if err != nil {
		return err
	}
	id, err := n.commit(v, channel, firstEpoch)
	if err != nil || channel != program.Channel {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.mine = append(a.mine, id)
	if len(a.traces) < traceCount {
		a.traces = append(a.traces, n.payloads[1][kib:kib+traceSize])
	}
	return nil
}

func rosterOf(t *testing.T, v *vault.Vault, channel string) (roster seal.Roster) {
	t.Helper()
	members, err := v.Roster(channel)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range members.Members {
		c, err := seal.ParseCertificate(m.Certificate, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		roster = append(roster, c)
	}
	return roster
}

// A note is a sealed submission: a file of 1 KiB and its manifest.
type note struct {
	envelope []byte
	payloads [][]byte
}

// sealNote makes one as the source's site does.
func sealNote(roster seal.Roster) (n note, err error) {
	file := make([]byte, kib)
	rand.Read(file)
	digest := sha256.Sum256(file)
	about, err := manifest.Manifest{Language: "fr", Items: []manifest.Item{
		{N: 1, Name: "note.txt", Size: kib, SHA256: hex.EncodeToString(digest[:]), Type: "text/plain"},
	}}.Encode()
	if err != nil {
		return n, err
	}
	s, err := seal.New(roster, time.Now())
	if err != nil {
		return n, err
	}
	n.envelope = s.Envelope()
	for _, plain := range [][]byte{about, file} {
		var sealed bytes.Buffer
		w, err := s.Item(&sealed)
		if err == nil {
			_, err = w.Write(plain)
		}
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			return n, err
		}
		n.payloads = append(n.payloads, sealed.Bytes())
	}
	return n, nil
}

// commit stores the note as a submission of its own.
func (n note) commit(v *vault.Vault, channel string, epoch uint64) (vault.ID, error) {
	ctx := context.Background()
	draft := v.NewDraft()
	defer draft.Discard()
	for i, payload := range n.payloads {
		item, err := draft.Item(ctx, i)
		if err == nil {
			_, err = item.Write(payload)
		}
		if err == nil {
			err = item.Close()
		}
		if err != nil {
			return vault.ID{}, err
		}
	}
	day := time.Now().UTC().Format(time.DateOnly)
	return draft.Commit(ctx, vault.Commitment{Channel: channel, Day: day, Epoch: epoch, Envelope: n.envelope})
}
