package mailbox_test

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"

	"sourdine/submit/mailbox"
)

func derive(t testing.TB, salt, words string) mailbox.Access {
	t.Helper()
	a, err := mailbox.NewDeriver([]byte(salt)).Derive(context.Background(), []byte(words))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

const salt = "0123456789abcdef"

func TestReceiptOpensWithTheWordsAlone(t *testing.T) {
	access := derive(t, salt, "eight words")
	key, locked, err := access.Generate()
	if err != nil {
		t.Fatal(err)
	}
	want := mailbox.Receipt{Version: 1, Day: "2026-11-21", Channel: "Nice", Message: true,
		Files: []mailbox.File{{Name: "../état civil.pdf", Size: 12}}}
	sealed, err := key.Seal(want, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"Nice", "civil", "eight words"} {
		if bytes.Contains(sealed, []byte(part)) || bytes.Contains(locked, []byte(part)) {
			t.Errorf("%q stands in the clear in what the vault keeps", part)
		}
	}
	again, err := derive(t, salt, "eight words").Unlock(locked)
	if err != nil {
		t.Fatal(err)
	}
	got, err := again.Open(sealed)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	for name, other := range map[string]mailbox.Access{
		"other words": derive(t, salt, "seven words"), "other salt": derive(t, "fedcba9876543210", "eight words"),
	} {
		if other.ID == access.ID {
			t.Errorf("%s give the same id", name)
		}
		if _, err := other.Unlock(locked); !errors.Is(err, mailbox.ErrLocked) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The vault keeps the day of a submission and nothing finer; a key that tells
// the second of its making would.
func TestKeyTellsNoTime(t *testing.T) {
	key, locked, err := derive(t, salt, "w").Generate()
	if err != nil {
		t.Fatal(err)
	}
	public, err := key.Certificate()
	if err != nil {
		t.Fatal(err)
	}
	for name, raw := range map[string][]byte{"locked key": locked, "certificate": public} {
		ring, err := openpgp.ReadKeyRing(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		times := []time.Time{ring[0].PrimaryKey.CreationTime}
		for _, s := range ring[0].Subkeys {
			times = append(times, s.PublicKey.CreationTime, s.Bindings[0].Packet.CreationTime)
		}
		for _, s := range ring[0].DirectSignatures {
			times = append(times, s.Packet.CreationTime)
		}
		for _, made := range times {
			if time.Since(made) < time.Hour || made.Unix()%86400 != 0 {
				t.Errorf("the %s tells %s", name, made)
			}
		}
	}
}

func TestDamagedIsLocked(t *testing.T) {
	access := derive(t, salt, "eight words")
	key, locked, err := access.Generate()
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := key.Seal(mailbox.Receipt{Day: "2026-11-21"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for _, cut := range []int{0, 1, len(sealed) / 2, len(sealed) - 1} {
		if _, err := key.Open(sealed[:cut]); !errors.Is(err, mailbox.ErrLocked) {
			t.Errorf("a receipt cut to %d bytes: %v", cut, err)
		}
	}
	for _, cut := range []int{0, 1, len(locked) / 2} {
		if _, err := access.Unlock(locked[:cut]); !errors.Is(err, mailbox.ErrLocked) {
			t.Errorf("a key cut to %d bytes: %v", cut, err)
		}
	}
}

// Receipts of one short name and of another have one length.
func TestReceiptsArePadded(t *testing.T) {
	key, _, err := derive(t, salt, "w").Generate()
	if err != nil {
		t.Fatal(err)
	}
	short, err1 := key.Seal(mailbox.Receipt{}, time.Now())
	long, err2 := key.Seal(mailbox.Receipt{Files: []mailbox.File{{Name: strings.Repeat("n", 3000)}}}, time.Now())
	if err := errors.Join(err1, err2); err != nil || len(short) != len(long) {
		t.Errorf("%d and %d bytes, %v", len(short), len(long), err)
	}
}

func TestDeriveEndsWithItsContext(t *testing.T) {
	d := mailbox.NewDeriver([]byte(salt))
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	for range 50 { // either answer is right while slots are free
		if _, err := d.Derive(cancelled, []byte("w")); errors.Is(err, context.Canceled) {
			return
		}
	}
	t.Error("a cancelled derivation never stopped")
}

func BenchmarkDerive(b *testing.B) {
	d := mailbox.NewDeriver([]byte(salt))
	for b.Loop() {
		d.Derive(context.Background(), []byte("eight words"))
	}
}

func BenchmarkGenerate(b *testing.B) {
	a := derive(b, salt, "w")
	for b.Loop() {
		if _, _, err := a.Generate(); err != nil {
			b.Fatal(err)
		}
	}
}
