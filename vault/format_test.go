package vault_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
	bolt "go.etcd.io/bbolt"
	"golang.org/x/crypto/argon2"

	"sourdine/submit/mailbox"
	"sourdine/submit/passphrase"
	"sourdine/vault"
	"sourdine/vault/vaulttest"
)

// TestFormat fills a vault and reads its file strictly as FORMAT.md says, not
// through the package.
func TestFormat(t *testing.T) {
	v, path := vaulttest.NewVaultAt(t)
	certificate := vaulttest.NewKey(t, vaulttest.X25519).Certificate(t)
	member := vault.Member{Name: "Élise", Fingerprint: fingerprint("A"), Certificate: certificate, Added: "2026-11-20"}
	addChannel(t, v, "Nice", member)
	addChannel(t, v, "Saint-Étienne")
	payloads := [][]byte{random(100), {}, random(256 << 10), random(600_000)}
	words, receipt := passphraseAndReceipt(t, v, "Nice")
	d := v.NewDraft()
	for n, p := range payloads {
		write(t, d, n, p)
	}
	id, err := d.Commit(ctx, vault.Commitment{Channel: "Nice", Day: "2026-11-21", Epoch: 1, Envelope: []byte("envelope"), Receipt: &receipt})
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true, Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.View(func(tx *bolt.Tx) error {
		checkBuckets(t, tx)
		checkRosters(t, tx, member)
		checkSubmission(t, tx, id, payloads, path)
		checkMailbox(t, tx, words)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func addChannel(t *testing.T, v *vault.Vault, name string, members ...vault.Member) {
	t.Helper()
	if err := v.AddChannel(ctx, name); err != nil {
		t.Fatal(err)
	}
	for _, m := range members {
		if _, err := v.AddMember(ctx, name, m); err != nil {
			t.Fatal(err)
		}
	}
}

// passphraseAndReceipt opens a mailbox as the source's site does.
func passphraseAndReceipt(t *testing.T, v *vault.Vault, channel string) (passphrase.Passphrase, vault.Receipt) {
	t.Helper()
	salt, err := v.Salt()
	if err != nil {
		t.Fatal(err)
	}
	words := passphrase.NewDictionary().Generate("fr")
	access, err := mailbox.NewDeriver(salt).Derive(ctx, words.Canonical())
	if err != nil {
		t.Fatal(err)
	}
	key, locked, err := access.Generate()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.EnsureMailbox(ctx, access.ID, locked); err != nil {
		t.Fatal(err)
	}
	sealed, err := key.Seal(mailbox.Receipt{Day: "2026-11-21", Channel: channel, Message: true}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return words, vault.Receipt{Mailbox: access.ID, Sealed: sealed}
}

// strictly decodes JSON without fields that FORMAT.md does not name.
func strictly(t *testing.T, raw []byte, into any) {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil || decoder.More() {
		t.Fatalf("%v in %s", err, raw)
	}
}

func checkBuckets(t *testing.T, tx *bolt.Tx) {
	t.Helper()
	var names []string
	err := tx.ForEach(func(name []byte, _ *bolt.Bucket) error { names = append(names, string(name)); return nil })
	want := []string{"acks", "channels", "chunks", "deleting", "desks", "drafts", "envelopes", "hashes", "leafof", "leaves", "mailboxes",
		"meta", "opened", "orders", "pending", "policies", "receipts", "replies", "slots", "spent", "submissions"}
	if err != nil || !slices.Equal(names, want) {
		t.Fatalf("the buckets are %q, %v", names, err)
	}
	meta := map[string]string{}
	err = tx.Bucket([]byte("meta")).ForEach(func(k, v []byte) error { meta[string(k)] = hex.EncodeToString(v); return nil })
	if err != nil || len(meta) != 3 || meta["version"] != "00000002" || len(meta["salt"]) != 40 || len(meta["slots"]) != 40 {
		t.Errorf("meta is %v, %v", meta, err)
	}
	if k, _ := tx.Bucket([]byte("drafts")).Cursor().First(); k != nil {
		t.Errorf("draft %x", k)
	}
}

func checkRosters(t *testing.T, tx *bolt.Tx, member vault.Member) {
	t.Helper()
	type roster struct {
		Channel string `json:"channel"`
		Epoch   uint64 `json:"epoch"`
		Day     string `json:"day"`
		Members *[]struct {
			Name        string `json:"name"`
			Fingerprint string `json:"fingerprint"`
			Certificate []byte `json:"certificate"`
			ClientKey   string `json:"client_key"`
			Added       string `json:"added"`
		} `json:"members"`
	}
	for channel, epochs := range map[string]uint64{"Nice": 2, "Saint-Étienne": 1} {
		b := tx.Bucket([]byte("channels")).Bucket([]byte(channel))
		next := uint64(0)
		err := b.ForEach(func(k, raw []byte) error {
			var r roster
			strictly(t, summed(t, append([]byte(channel), k...), raw), &r)
			if len(k) != 8 || binary.BigEndian.Uint64(k) != next || r.Epoch != next || r.Channel != channel {
				t.Errorf("key %x of %s holds %+v", k, channel, r)
			}
			if (next == 0) != (r.Members == nil) {
				t.Errorf("members at epoch %d: %v", next, r.Members)
			}
			if next == 1 {
				m := (*r.Members)[0]
				if m.Name != member.Name || m.Fingerprint != member.Fingerprint || !bytes.Equal(m.Certificate, member.Certificate) || m.ClientKey != "" || m.Added != "2026-11-20" {
					t.Errorf("the member is %+v", m)
				}
			}
			next++
			return nil
		})
		if err != nil || next != epochs {
			t.Errorf("%d epochs of %s, %v", next, channel, err)
		}
	}
}

// summed checks and removes a value's checksum, as section 1.1 says.
func summed(t *testing.T, key, stored []byte) []byte {
	t.Helper()
	if len(stored) < 4 {
		t.Fatalf("the value of %x has %d bytes", key, len(stored))
	}
	value, sum := stored[:len(stored)-4], stored[len(stored)-4:]
	table := crc32.MakeTable(crc32.Castagnoli)
	if crc32.Update(crc32.Checksum(key, table), table, value) != binary.BigEndian.Uint32(sum) {
		t.Errorf("the value of %x has the checksum %x", key, sum)
	}
	return value
}

// checkEnvelope unwraps it with nothing but the slots file's bytes.
func checkEnvelope(t *testing.T, tx *bolt.Tx, id vault.ID, path string) {
	t.Helper()
	file, err := os.ReadFile(strings.TrimSuffix(path, ".db") + ".slots")
	if err != nil {
		t.Fatal(err)
	}
	stored := summed(t, id[:], tx.Bucket([]byte("envelopes")).Get(id[:]))
	number := binary.BigEndian.Uint32(stored)
	at := 8192 + int(number/64)*8192 + int(number%64)*64
	block, err := aes.NewCipher(file[at : at+32])
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	envelope, err := gcm.Open(nil, stored[4:16], stored[16:], append([]byte("sourdine envelope 1\n"), id[:]...))
	if err != nil || string(envelope) != "envelope" {
		t.Errorf("the envelope is %q, %v", envelope, err)
	}
	if owner := summed(t, stored[:4], tx.Bucket([]byte("slots")).Get(stored[:4])); !bytes.Equal(owner, id[:]) {
		t.Errorf("slot %d is of %x", number, owner)
	}
}

func checkSubmission(t *testing.T, tx *bolt.Tx, id vault.ID, payloads [][]byte, path string) {
	t.Helper()
	header := summed(t, id[:], tx.Bucket([]byte("submissions")).Get(id[:]))
	var digests []string
	for _, p := range payloads {
		digests = append(digests, fmt.Sprintf("%x", sha256.Sum256(p)))
	}
	want := fmt.Sprintf(`{"channel":"Nice","day":"2026-11-21","epoch":1,"payloads":[100,0,262144,600000],"sha256":["%s"]}`, strings.Join(digests, `","`))
	if string(header) != want {
		t.Errorf("the header is %s", header)
	}
	checkEnvelope(t, tx, id, path)
	chunks := tx.Bucket([]byte("chunks"))
	seen := 0
	for item, want := range payloads {
		for n := 0; n*262144 < len(want); n++ {
			key := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(slices.Clone(id[:]), uint32(item)), uint32(n))
			b := chunks.Bucket(key)
			if b == nil {
				t.Fatalf("chunk %d of item %d is missing", n, item)
			}
			k, stored := b.Cursor().First()
			if v := summed(t, key, stored); string(k) != "v" || !bytes.Equal(v, want[n*262144:min(len(want), (n+1)*262144)]) {
				t.Errorf("chunk %d of item %d is %d bytes under %q", n, item, len(v), k)
			}
			seen++
		}
	}
	if n := chunks.Stats().BucketN - 1; n != seen {
		t.Errorf("%d chunks, want %d", n, seen)
	}
}

func checkMailbox(t *testing.T, tx *bolt.Tx, words passphrase.Passphrase) {
	t.Helper()
	canonical := words.Canonical()
	if len(canonical) != 3+16 || string(canonical[:3]) != "fr:" {
		t.Errorf("the canonical form is %q", canonical)
	}
	derived := argon2.IDKey(canonical, tx.Bucket([]byte("meta")).Get([]byte("salt"))[:16], 5, 8<<10, 1, 48)
	locked := summed(t, derived[:16], tx.Bucket([]byte("mailboxes")).Get(derived[:16]))
	ring, err := openpgp.ReadKeyRing(bytes.NewReader(locked))
	if err != nil || len(ring) != 1 || ring[0].PrimaryKey.Version != 6 {
		t.Fatalf("the locked key: %v", err)
	}
	if err := ring[0].DecryptPrivateKeys(derived[16:]); err != nil {
		t.Fatal(err)
	}
	k, sealed := tx.Bucket([]byte("receipts")).Cursor().First()
	if len(k) != 32 || !bytes.Equal(k[:16], derived[:16]) {
		t.Errorf("the receipt's key is %x", k)
	}
	plain, err := vaulttest.Key{Entity: ring[0]}.Open(nil, bytes.NewReader(summed(t, k, sealed)))
	if err != nil {
		t.Fatal(err)
	}
	var r struct {
		Version int    `json:"version"`
		Day     string `json:"day"`
		Channel string `json:"channel"`
		Message bool   `json:"message"`
		Files   []struct {
			Name string `json:"name"`
			Size int64  `json:"size"`
		} `json:"files"`
	}
	strictly(t, plain, &r)
	if fmt.Sprintf("%+v", r) != `{Version:1 Day:2026-11-21 Channel:Nice Message:true Files:[]}` {
		t.Errorf("the receipt is %s", plain)
	}
}
