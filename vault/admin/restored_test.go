package admin_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sourdine/vault"
	"sourdine/vault/admin"
	"sourdine/vault/order"
	"sourdine/vault/translog"
)

// seeing is the desk's next order when it has seen only so much of the log.
func (d *desk) seeing(size int64) *order.Return {
	d.t.Helper()
	o := d.next()
	root, err := translog.Root(size, d.local.Vault())
	if err != nil {
		d.t.Fatal(err)
	}
	o.Seen, o.Checkpoint = size, d.checkpoint(size, root)
	return o
}

// tries brings a parcel, and wants it refused for its number: which one is
// expected, or 0 when it is to be taken.
func (d *desk) tries(what string, p []byte, expected uint64, afterRestore bool) {
	d.t.Helper()
	_, err := d.local.ApplyParcel(ctx, bytes.NewReader(p))
	var sequence *admin.SequenceError
	switch {
	case expected == 0 && err != nil:
		d.t.Errorf("%s: %v", what, err)
	case expected == 0:
	case !errors.As(err, &sequence) || !errors.Is(err, admin.ErrRefused) || sequence.Expected != expected || sequence.Restored != afterRestore:
		d.t.Errorf("%s: %v, want number %d", what, err, expected)
	default:
		d.t.Logf("%s: %v", what, err)
	}
}

// A desk that sent more than the restored server knows is refused until it has
// seen the restoration; then its next number is taken, whichever it is, and after
// that only the next again.
func TestSequenceAfterRestore(t *testing.T) {
	alice, bob := newDesks(t)
	alice.apply(alice.next(), nil)
	tar := backedUp(t, alice.local)
	second := alice.pack(alice.next(), nil) // of a log that the backup has
	third := alice.pack(alice.next(), nil)
	fourth := alice.next()
	fourth.Acknowledged = []string{alice.commit("Paris")}
	lost := alice.pack(alice.next(), nil) // of one that it has not
	for _, p := range [][]byte{second, third, alice.pack(fourth, nil), lost} {
		alice.tries("before", p, 0, false)
	}

	done, local := restored(t, tar)
	alice, bob = alice.at(local), bob.at(local)
	if _, err := local.ApplyParcel(ctx, bytes.NewReader(lost)); !errors.Is(err, admin.ErrOtherLog) {
		t.Errorf("one that was applied before: %v", err)
	}
	sixth := alice.seeing(done.Leaf.Size)
	alice.tries("it has not seen the restoration", alice.pack(sixth, nil), 2, true)
	sixth.Seen, sixth.Checkpoint = 0, ""
	alice.tries("it has seen nothing", alice.pack(sixth, nil), 2, true)
	alice.tries("applied before, and in the backup's log", second, 0, false)
	bob.apply(bob.seeing(done.Leaf.Size), nil) // was not ahead

	alice.sequence = 5
	sixth = alice.seeing(done.Leaf.Size + 1)
	sixth.Acknowledged = []string{alice.commit("Nice")}
	whole := alice.pack(sixth, nil)
	alice.tries("it has accepted", whole, 0, false)
	if state := alice.state(); state.Sequence != 6 || state.Seen != done.Leaf.Size+1 {
		t.Errorf("%+v", state)
	}
	alice.tries("an old one", third, 7, false)
	alice.tries("an old one, again", second, 7, false)
	if receipt, err := local.ApplyParcel(ctx, bytes.NewReader(whole)); err != nil || !receipt.Again {
		t.Errorf("the same again: %+v, %v", receipt, err)
	}
	alice.sequence = 5
	alice.tries("another of that number", alice.pack(alice.next(), nil), 7, false)
	alice.sequence = 7
	alice.tries("a gap", alice.pack(alice.next(), nil), 7, false)
	alice.sequence = 6
	alice.apply(alice.next(), nil)
	bob.sequence = 8 // once for each desk
	bob.tries("a gap of another desk", bob.pack(bob.next(), nil), 0, false)
	bob.sequence = 11
	bob.tries("a gap of another desk, again", bob.pack(bob.next(), nil), 10, false)
}

// A desk says again what it takes for lost. A reply that came before, by a parcel that
// was on its way, is not put into the mailbox twice, and a full one has it all the same.
func TestReplyComesAgain(t *testing.T) {
	alice, _ := newDesks(t)
	mailbox, name := alice.mailbox(1)
	_, local := restored(t, backedUp(t, alice.local))
	alice = alice.at(local)
	sealed := alice.message()
	one, files := alice.next(), map[string][]byte{}
	reply(one, name, sealed, files)
	alice.apply(one, files)
	for range 49 {
		if err := local.Vault().Apply(ctx, func(c *vault.Change) error { return c.Reply(mailbox, []byte("x")) }); err != nil {
			t.Fatal(err)
		}
	}
	two, files := alice.next(), map[string][]byte{}
	reply(two, name, sealed, files)
	reply(two, name, alice.message(), files)
	done := alice.apply(two, files).Note.Done
	if done.Replies != 1 || len(done.Refusals) != 1 || done.Refusals[0].ID != "2" || done.Refusals[0].Reason != order.ReasonFull {
		t.Errorf("%+v", done)
	}
	if n, err := local.Vault().CountReplies(mailbox); err != nil || n != 50 {
		t.Errorf("%d replies, %v", n, err)
	}
}

// A backup of a restored vault is restored like any other; then the last
// restoration counts.
func TestRestoredTwice(t *testing.T) {
	alice, _ := newDesks(t)
	first, local := restored(t, backedUp(t, alice.local))
	alice = alice.at(local)
	id := alice.commit("Paris")
	alice.sequence = 4
	alice.apply(alice.next(), nil) // accepts the first
	tar := backedUp(t, local)
	alice.apply(alice.next(), nil)
	second, local := restored(t, tar)
	if second.Leaf.Size <= first.Leaf.Size || second.Leaf.Mark == first.Leaf.Mark {
		t.Errorf("%+v after %+v", second.Leaf, first.Leaf)
	}
	size, err := local.Vault().LogSize()
	if err != nil || size != second.Leaf.Size+1 {
		t.Errorf("%d leaves, %v", size, err)
	}
	notes := 0
	for raw, err := range local.Vault().Leaves(0, size) {
		if err != nil {
			t.Fatal(err)
		}
		if leaf, err := translog.Decode(raw); err != nil {
			t.Fatal(err)
		} else if _, ok := leaf.(translog.Restored); ok {
			notes++
		}
	}
	if notes != 2 {
		t.Errorf("%d leaves tell of a restoration", notes)
	}
	if _, err := local.Vault().Envelope(parseID(t, id)); err != nil {
		t.Error(err)
	}
	alice = alice.at(local)
	alice.tries("it has seen the first only", alice.pack(alice.seeing(second.Leaf.Size), nil), 6, true)
	alice.apply(alice.next(), nil)
	alice.sequence++
	alice.tries("a gap", alice.pack(alice.next(), nil), 9, false)
}

// What proves that a desk was shown another log is in the backup, and warns again.
func TestForksAreRestored(t *testing.T) {
	alice, _ := newDesks(t)
	alice.seesAnotherLog()
	name := filepath.Join("forks", alice.fingerprint()+".checkpoint")
	home := filepath.Dir(alice.home.Vault())
	// What a crash left beside it is not evidence.
	if err := os.WriteFile(filepath.Join(home, name+".new"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, prepare := range []func(dir string) error{
		func(string) error { return nil }, func(dir string) error { return os.Mkdir(dir, 0o700) },
	} {
		dir := filepath.Join(t.TempDir(), "home")
		if err := prepare(dir); err != nil {
			t.Fatal(err)
		}
		if _, err := admin.Restore(ctx, dir, bytes.NewReader(backedUp(t, alice.local))); err != nil {
			t.Fatal(err)
		}
		want, err1 := os.ReadFile(filepath.Join(home, name))
		got, err2 := os.ReadFile(filepath.Join(dir, name))
		if err1 != nil || err2 != nil || !bytes.Equal(got, want) {
			t.Errorf("%v, %v: %q", err1, err2, got)
		}
		all := tree(t, dir)
		if _, half := all[name+".new"]; half || all["forks"] != os.ModeDir|0o700 || all[name] != 0o600 {
			t.Errorf("%v", all)
		}
		h, err := admin.OpenHome(dir)
		if err != nil {
			t.Fatal(err)
		}
		if problems := alice.at(serving(t, h)).problems(); len(problems) != 1 || !strings.Contains(problems[0], alice.fingerprint()+" has seen another log") {
			t.Errorf("%q", problems)
		}
	}
}

// A file that is no evidence fails neither a backup nor status, which says that it
// is left out, and why.
func TestStrangeForks(t *testing.T) {
	alice, _ := newDesks(t)
	alice.seesAnotherLog()
	path := filepath.Join(filepath.Dir(alice.home.Vault()), "forks", "mine.checkpoint")
	folder := filepath.Dir(path)
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	large := strings.Repeat("AB", 20) + ".checkpoint"
	if err := os.WriteFile(filepath.Join(folder, large), make([]byte, 5000), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(folder, strings.Repeat("CD", 20)+".checkpoint"), 0o700); err != nil {
		t.Fatal(err)
	}
	problems := strings.Join(alice.problems(), "\n")
	for _, want := range []string{alice.fingerprint() + " has seen another log", "mine.checkpoint is no evidence of another log, and backups go without it: its name",
		large + " is larger than the 4096 bytes that it can have", "CDCD.checkpoint is not a file"} {
		if !strings.Contains(problems, want) {
			t.Errorf("no %q in %s", want, problems)
		}
	}
	dir := filepath.Join(t.TempDir(), "home")
	if _, err := admin.Restore(ctx, dir, bytes.NewReader(backedUp(t, alice.local))); err != nil {
		t.Fatal(err)
	}
	if kept, err := os.ReadDir(filepath.Join(dir, "forks")); len(kept) != 1 || err != nil || kept[0].Name() != alice.fingerprint()+".checkpoint" {
		t.Errorf("%v, %v", kept, err)
	}
}

// Where a folder should be there is a file: what is wrong is said, of the fork only.
func TestForkThatCannotBeKept(t *testing.T) {
	alice, _ := newDesks(t)
	folder := filepath.Join(filepath.Dir(alice.home.Vault()), "forks")
	if err := os.WriteFile(folder, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	o := alice.next()
	o.Checkpoint = alice.checkpoint(o.Seen, [32]byte{1})
	_, err := alice.local.ApplyParcel(ctx, bytes.NewReader(alice.pack(o, nil)))
	if !errors.Is(err, admin.ErrOtherLog) || !strings.Contains(err.Error(), "failed to keep the other log's checkpoint: ") || strings.Contains(err.Error(), "create home") {
		t.Error(err)
	}
	if problems := alice.problems(); len(problems) != 1 || !strings.Contains(problems[0], "cannot be told") {
		t.Errorf("%q", problems)
	}
	backedUp(t, alice.local)
}
