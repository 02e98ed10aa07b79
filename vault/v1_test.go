package vault_test

import (
	"encoding/binary"
	"encoding/json"
	"testing"

	bolt "go.etcd.io/bbolt"

	"sourdine/vault"
)

// A v1 is a vault of version 1 as that version wrote it.
type v1 struct {
	salt        []byte
	rosters     []vault.Roster
	submissions map[vault.ID]v1Submission
	drafts      map[vault.ID][]byte
}

type v1Submission struct {
	channel  string
	epoch    uint64
	envelope []byte
	payloads [][]byte
}

// newV1 has channels with and without reviewers, submissions of every size
// around a chunk's edge, and a draft that a crash left.
func newV1() v1 {
	member := func(digit, added string) vault.Member {
		return vault.Member{Name: "É", Fingerprint: fingerprint(digit), Certificate: random(3000), Added: added}
	}
	a, b := member("A", "2026-11-20"), member("B", "")
	return v1{
		salt: random(16),
		rosters: []vault.Roster{{Channel: "Nice"}, {Channel: "Nice", Epoch: 1, Members: []vault.Member{a}},
			{Channel: "Nice", Epoch: 2, Members: []vault.Member{a, b}}, {Channel: "équipe"}},
		submissions: map[vault.ID]v1Submission{
			vault.NewID(): {"Nice", 2, []byte("envelope 1"), [][]byte{random(10), {}, random(256 << 10), random(256<<10 + 1), random(3 << 20)}},
			vault.NewID(): {"Nice", 1, random(3000), [][]byte{random(10)}},
			vault.NewID(): {"nowhere", 7, []byte("envelope 3"), [][]byte{{}}},
		},
		drafts: map[vault.ID][]byte{vault.NewID(): random(300_000)},
	}
}

// write makes the file: version 1's Create, AddMember, EnsureMailbox and Commit.
func (o v1) write(t testing.TB, path string) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, &bolt.Options{NoFreelistSync: true, FreelistType: bolt.FreelistMapType})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		for _, name := range []string{"meta", "channels", "submissions", "envelopes", "chunks", "drafts", "mailboxes", "receipts"} {
			if _, err := tx.CreateBucket([]byte(name)); err != nil {
				return err
			}
		}
		o.fill(tx)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func (o v1) fill(tx *bolt.Tx) {
	meta := tx.Bucket([]byte("meta"))
	must(meta.Put([]byte("salt"), o.salt))
	must(meta.Put([]byte("version"), []byte{0, 0, 0, 1}))
	for _, r := range o.rosters {
		raw, err := json.Marshal(r)
		must(err)
		epochs, err := tx.Bucket([]byte("channels")).CreateBucketIfNotExists([]byte(r.Channel))
		must(err)
		must(epochs.Put(binary.BigEndian.AppendUint64(nil, r.Epoch), raw))
	}
	for id, s := range o.submissions {
		lengths := []int64{}
		for n, p := range s.payloads {
			lengths = append(lengths, int64(len(p)))
			putV1(tx, id, uint32(n), p)
		}
		raw, err := json.Marshal(map[string]any{"channel": s.channel, "day": "2026-11-21", "epoch": s.epoch, "payloads": lengths})
		must(err)
		must(tx.Bucket([]byte("submissions")).Put(id[:], raw))
		must(tx.Bucket([]byte("envelopes")).Put(id[:], s.envelope))
	}
	for id, p := range o.drafts {
		putV1(tx, id, 0, p)
		must(tx.Bucket([]byte("drafts")).Put(id[:], []byte{}))
	}
	mailbox := vault.MailboxID{1}
	must(tx.Bucket([]byte("mailboxes")).Put(mailbox[:], []byte("key")))
	must(tx.Bucket([]byte("receipts")).Put(append(mailbox[:], make([]byte, 16)...), []byte("receipt")))
}

func putV1(tx *bolt.Tx, id vault.ID, item uint32, payload []byte) {
	for seq := uint32(0); len(payload) > 0; seq++ {
		key := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(append([]byte{}, id[:]...), item), seq)
		chunk, err := tx.Bucket([]byte("chunks")).CreateBucket(key)
		must(err)
		n := min(len(payload), 256<<10)
		must(chunk.Put([]byte("v"), payload[:n]))
		payload = payload[n:]
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
