package vault

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// FormatVersion is the version of the file's layout that this package writes.
const FormatVersion = 1

const (
	// lockPatience is how long Open waits for another process to let go.
	lockPatience = time.Second

	// mapSize is reserved in the address space, not on the disk. A larger file
	// is mapped anew when it grows, which waits for every reader.
	mapSize = 64 << 30

	// growth is by how much the file grows, sparsely: each step is one more
	// fsync.
	growth = 128 << 20

	saltSize = 16 // bytes
)

// Errors that callers branch on.
var (
	// ErrLocked is returned by [Open] when another process holds the vault.
	ErrLocked = errors.New("the vault is in use by another program")
	// ErrNotFound is returned for a submission, channel or mailbox that is not there.
	ErrNotFound = errors.New("not found in the vault")
	// ErrClosed is returned for every change that is asked of a closed vault.
	ErrClosed = errors.New("the vault is closed")
	// ErrFailed is returned for every change after a write that may or may not
	// have reached the disk: only opening the vault anew tells.
	ErrFailed = errors.New("the vault has stopped after a failed write and must be opened anew")
)

// Buckets; see FORMAT.md, section 2.
var (
	bucketMeta        = []byte("meta")
	bucketChannels    = []byte("channels")
	bucketSubmissions = []byte("submissions")
	bucketEnvelopes   = []byte("envelopes")
	bucketChunks      = []byte("chunks")
	bucketDrafts      = []byte("drafts")
	bucketMailboxes   = []byte("mailboxes")
	bucketReceipts    = []byte("receipts")

	keyVersion = []byte("version")
	keySalt    = []byte("salt")

	// keyValue is the only key of a chunk's bucket. A chunk has a bucket of its
	// own because bbolt keeps up to four values in one leaf and writes them
	// anew whenever a neighbour is added: with fifty uploads at once that
	// doubled what was written and pulled the whole file into memory.
	keyValue = []byte("v")

	allBuckets = [][]byte{bucketMeta, bucketChannels, bucketSubmissions, bucketEnvelopes,
		bucketChunks, bucketDrafts, bucketMailboxes, bucketReceipts}
)

// A Vault is an open vault file, locked against other processes.
type Vault struct {
	db      *bolt.DB
	stopped sync.WaitGroup
	buffers chan []byte // for chunks; see takeBuffer

	// gate keeps Close from closing ops under a sender.
	gate   sync.RWMutex
	closed bool
	ops    chan op

	failed  chan struct{} // closed by the writer; see commit
	rosters atomic.Uint64 // how often a roster changed since the vault was opened
}

// Create makes a new, empty vault at path and closes it. It refuses to touch
// an existing file: creation is its own act.
func Create(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("failed to create vault: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("failed to create vault: %w", err)
	}
	db, err := openFile(path)
	if err != nil {
		return err
	}
	err = db.Update(createBuckets)
	return errors.Join(err, db.Close())
}

func createBuckets(tx *bolt.Tx) error {
	for _, name := range allBuckets {
		if _, err := tx.CreateBucket(name); err != nil {
			return fmt.Errorf("failed to create bucket: %w", err)
		}
	}
	salt := make([]byte, saltSize)
	rand.Read(salt)
	meta := tx.Bucket(bucketMeta)
	return errors.Join(
		meta.Put(keySalt, salt),
		meta.Put(keyVersion, binary.BigEndian.AppendUint32(nil, FormatVersion)))
}

// Open opens the vault at path, sweeps what interrupted uploads left, and
// starts the writer. It returns [ErrLocked] when another process has it open,
// and an error that wraps [fs.ErrNotExist] when there is none.
func Open(path string) (*Vault, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("failed to open vault: %w", err)
	}
	db, err := openFile(path)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(db.View(checkVersion), sweep(db)); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	v := &Vault{db: db, ops: make(chan op, queueLength), failed: make(chan struct{})}
	v.buffers = make(chan []byte, 2*queueLength)
	v.stopped.Go(v.write)
	return v, nil
}

func openFile(path string) (*bolt.DB, error) {
	db, err := bolt.Open(path, 0o600, &bolt.Options{
		Timeout:         lockPatience,
		InitialMmapSize: mapSize,
		NoFreelistSync:  true,
		FreelistType:    bolt.FreelistMapType,
	})
	if err == nil {
		db.AllocSize = growth
	}
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, ErrLocked
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("failed to open vault: %w", fs.ErrPermission)
	case err != nil:
		return nil, fmt.Errorf("failed to open vault: %w", err)
	}
	return db, nil
}

func checkVersion(tx *bolt.Tx) error {
	meta := tx.Bucket(bucketMeta)
	if meta == nil {
		return errors.New("the file is not a vault")
	}
	raw := meta.Get(keyVersion)
	if len(raw) != 4 {
		return errors.New("the file is not a vault")
	}
	if got := binary.BigEndian.Uint32(raw); got != FormatVersion {
		return fmt.Errorf("the vault has format version %d, this program knows %d", got, FormatVersion)
	}
	return nil
}

// Salt is random, made with the vault, and never changes: mailbox ids are
// derived with it.
func (v *Vault) Salt() ([]byte, error) {
	var salt []byte
	err := v.db.View(func(tx *bolt.Tx) error {
		salt = bytes.Clone(tx.Bucket(bucketMeta).Get(keySalt))
		return nil
	})
	if err == nil && len(salt) != saltSize {
		err = errors.New("the vault's salt is damaged")
	}
	return salt, err
}

// Failed is closed when the vault has stopped after a failed write: whoever
// serves it should end, and be started again.
func (v *Vault) Failed() <-chan struct{} { return v.failed }

// Close waits for the writer to end what was queued, then closes the file.
// Drafts that are not committed fail with [ErrClosed]. Closing twice is fine.
func (v *Vault) Close() error {
	v.gate.Lock()
	if v.closed {
		v.gate.Unlock()
		return nil
	}
	v.closed = true
	close(v.ops)
	v.gate.Unlock()
	v.stopped.Wait()
	return v.db.Close()
}
