//go:build bench

package bench

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"sourdine/deploy/e2e/program"
	"sourdine/submit/mailbox"
	"sourdine/vault"
	"sourdine/vault/seal"
	"sourdine/vault/vaulttest"
)

const (
	// stretch is how long each row of TestCommits is measured at a time.
	stretch = 3 * time.Second

	manyClients = 64
)

// A committer does one thing that is on stable storage when it returns.
type committer struct {
	name   string
	commit func(client int) error
	server *program.Server // that does it, if one does

	rates map[int][]float64       // a second, by the number of clients
	cpu   map[int][]time.Duration // of the server for each
}

// TestCommits prints how many submissions of 1 KiB a second become durable:
// through the site, in the vault alone, and beside bare transactions of bbolt.
func TestCommits(t *testing.T) {
	s := program.StartServer(t)
	s.Client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: manyClients}}
	deriver := mailbox.NewDeriver(make([]byte, 16))
	committers := []*committer{
		{name: "bbolt: a transaction each", commit: bare(t, (*bolt.DB).Update)},
		{name: "bbolt: DB.Batch", commit: bare(t, (*bolt.DB).Batch)},
		{name: "vault: Draft to Commit", commit: alone(t)},
		{name: "sourdine: HTTP, a new source", commit: func(int) error { return visit(s) }, server: s},
		{name: "(Argon2id of the passphrase)", commit: func(int) error {
			_, err := deriver.Derive(t.Context(), []byte("eight words"))
			return err
		}},
	}
	for range 3 {
		for _, c := range committers {
			c.measure(t, 1)
			c.measure(t, manyClients)
		}
	}
	fmt.Printf("\ncommits of 1 KiB a second, each on stable storage; medians of 3\n  %-32s %9s %9s\n", "", "1 client", "64")
	for _, c := range committers {
		fmt.Printf("  %-32s %9.0f %9.0f\n", c.name, middle(c.rates[1]), middle(c.rates[manyClients]))
		if c.server != nil {
			fmt.Printf("  %-32s %9.1f %9.1f\n", "  CPU ms of the server for each",
				middle(c.cpu[1]).Seconds()*1000, middle(c.cpu[manyClients]).Seconds()*1000)
		}
	}
}

// measure lets clients commit one after the other, each for itself.
func (c *committer) measure(t *testing.T, clients int) {
	t.Helper()
	if c.rates == nil {
		c.rates, c.cpu = map[int][]float64{}, map[int][]time.Duration{}
	}
	before, there := c.state(t)
	var done atomic.Int64
	var all sync.WaitGroup
	start := time.Now()
	for client := range clients {
		all.Go(func() {
			for time.Since(start) < stretch {
				if err := c.commit(client); err != nil {
					t.Errorf("%s: %v", c.name, err)
					return
				}
				done.Add(1)
			}
		})
	}
	all.Wait()
	took, n := time.Since(start), done.Load()
	if t.Failed() || n == 0 {
		t.FailNow()
	}
	after, now := c.state(t)
	if c.server != nil && now-there != int(n) {
		t.Errorf("%d submissions arrived, of %d", now-there, n)
	}
	c.rates[clients] = append(c.rates[clients], float64(n)/took.Seconds())
	c.cpu[clients] = append(c.cpu[clients], (after-before)/time.Duration(n))
}

// state is what the server used so far, and how many submissions it has.
func (c *committer) state(t *testing.T) (used time.Duration, submissions int) {
	t.Helper()
	if c.server == nil {
		return 0, 0
	}
	return c.server.Usage(t).CPU, c.server.Status(t).Submissions
}

// bare is a bbolt file as the vault opens it, and nothing around it.
func bare(t *testing.T, change func(*bolt.DB, func(*bolt.Tx) error) error) func(int) error {
	t.Helper()
	db, err := bolt.Open(filepath.Join(t.TempDir(), "bare.db"), 0o600,
		&bolt.Options{InitialMmapSize: 1 << 30, NoFreelistSync: true, FreelistType: bolt.FreelistMapType})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	err = db.Update(func(tx *bolt.Tx) error {
		_, err := tx.CreateBucket([]byte("b"))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return func(int) error {
		key, value := make([]byte, 16), make([]byte, kib)
		rand.Read(key)
		rand.Read(value)
		return change(db, func(tx *bolt.Tx) error { return tx.Bucket([]byte("b")).Put(key, value) })
	}
}

// alone is a vault, and submissions that are sealed already.
func alone(t *testing.T) func(int) error {
	t.Helper()
	path := filepath.Join(t.TempDir(), "vault.db")
	if err := vault.Create(path); err != nil {
		t.Fatal(err)
	}
	v, err := vault.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Close() })
	if err := v.AddChannel(t.Context(), program.Channel); err != nil {
		t.Fatal(err)
	}
	certificate, err := seal.ParseCertificate(vaulttest.NewKey(t, vaulttest.PostQuantum).Certificate(t), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := sealNote(seal.Roster{certificate})
	if err != nil {
		t.Fatal(err)
	}
	return func(int) error {
		_, err := sealed.commit(v, program.Channel, 0)
		return err
	}
}

// visit sends a file of 1 KiB as a source does who comes for the first time.
func visit(s *program.Server) error {
	file := make([]byte, kib)
	rand.Read(file)
	return s.Submit("", program.File{Name: "note.txt", Content: bytes.NewReader(file), Size: kib})
}
