package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"sourdine/journalist-ui/desk"
	"sourdine/journalist-ui/desk/desktest"
	"sourdine/vault/parcel"
	"sourdine/vault/seal"
	"sourdine/vault/spoken"
	"sourdine/vault/vaulttest"
)

// setup gives every script $HOME_DIR, a desk's home, and $PASS, its passphrase
// file, and a vault of its own.
func setup(t *testing.T) func(*testscript.Env) error {
	template := desktest.NewHome(t)
	return func(env *testscript.Env) error {
		home, pass := filepath.Join(env.WorkDir, "home"), filepath.Join(env.WorkDir, "pass")
		env.Setenv("HOME_DIR", home)
		env.Setenv("PASS", pass)
		if err := os.CopyFS(home, os.DirFS(template)); err != nil {
			return err
		}
		if err := shut(home); err != nil {
			return err
		}
		env.Values["vault"] = desktest.NewVault(t)
		env.Values["backup"] = new([]byte)
		return os.WriteFile(pass, []byte(desktest.Passphrase+"\n"), 0o600)
	}
}

// shut closes a home to others: os.CopyFS does not keep permissions.
func shut(home string) error {
	return filepath.WalkDir(home, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			return os.Chmod(path, 0o700)
		}
		return errors.Join(err, os.Chmod(path, 0o600))
	})
}

func commands(t *testing.T) map[string]func(*testscript.TestScript, bool, []string) {
	template := desktest.NewHome(t)
	certificate := desktest.Certificate(t, template)
	other := vaulttest.NewKey(t, vaulttest.PostQuantum).Certificate(t)
	mailbox := vaulttest.NewKey(t, vaulttest.PostQuantum).Certificate(t)
	fingerprint, err := desk.Fingerprint(template)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]func(*testscript.TestScript, bool, []string){
		// submit MESSAGE [NAME FILE]...: sets $ID. Messages and names are Go strings without quotes.
		"submit": func(ts *testscript.TestScript, _ bool, args []string) { submit(ts, certificate, args) },
		// submit-elsewhere is submit, sealed to somebody else.
		"submit-elsewhere": func(ts *testscript.TestScript, _ bool, args []string) {
			v := vaultOf(ts)
			here := v.Channel
			v.Channel = "Ailleurs"
			submit(ts, other, args)
			v.Channel = here
		},
		// forge FILE: a submission whose file is not the one in its manifest.
		"forge": func(ts *testscript.TestScript, _ bool, args []string) { forge(ts, certificate, args[0]) },
		// undescribed FILE: a submission whose manifest is damaged.
		"undescribed": func(ts *testscript.TestScript, _ bool, args []string) {
			raw, err := os.ReadFile(ts.MkAbs(args[0]))
			ts.Check(err)
			v := vaultOf(ts)
			s := v.Sealer(certificate)
			ts.Setenv("ID", v.Commit(s.Envelope(), v.Seal(s, []byte("{}")), v.Seal(s, raw)))
		},
		// pack FILE: writes the vault's parcel, and sets $VAULT_KEY.
		"pack": func(ts *testscript.TestScript, _ bool, args []string) {
			v := vaultOf(ts)
			ts.Check(os.WriteFile(ts.MkAbs(args[0]), v.Parcel(), 0o600))
			ts.Setenv("VAULT_KEY", v.Key)
		},
		// lie HOW FILE: writes a parcel that lies about the submission $ID.
		"lie": func(ts *testscript.TestScript, _ bool, args []string) {
			v, id := vaultOf(ts), ts.Getenv("ID")
			forged := v.Forge(v.Parcel(), func(f *desktest.Forgery) { lies[args[0]](f, id) })
			ts.Check(os.WriteFile(ts.MkAbs(args[1]), forged, 0o600))
		},
		// pack-mine FILE: writes the parcel for this desk only.
		"pack-mine": func(ts *testscript.TestScript, _ bool, args []string) {
			p := vaultOf(ts).Pack(parcel.Request{Reviewer: fingerprint})
			ts.Check(os.WriteFile(ts.MkAbs(args[0]), p, 0o600))
		},
		// apply FILE: the server applies a return parcel.
		"apply": func(ts *testscript.TestScript, _ bool, args []string) {
			raw, err := os.ReadFile(ts.MkAbs(args[0]))
			ts.Check(err)
			_, err = vaultOf(ts).Apply(raw)
			ts.Check(err)
		},
		// ask MESSAGE: a submission with a mailbox; sets $ID.
		"ask": func(ts *testscript.TestScript, _ bool, args []string) {
			v := vaultOf(ts)
			m := desktest.Manifest(args[0])
			m.Mailbox = mailbox
			raw, err := m.Encode()
			ts.Check(err)
			s := v.Sealer(certificate)
			ts.Setenv("ID", v.Commit(s.Envelope(), v.Seal(s, raw)))
		},
		// backup: keeps one of the server. restore: goes on from it, on a new machine;
		// sets $WORDS_FR and $WORDS_EN, which the admin is told.
		"backup": func(ts *testscript.TestScript, _ bool, _ []string) { *backups(ts) = vaultOf(ts).Backup() },
		"restore": func(ts *testscript.TestScript, _ bool, _ []string) {
			restored, leaf := vaultOf(ts).Restore(*backups(ts))
			*vaultOf(ts) = *restored
			ts.Setenv("WORDS_FR", strings.Join(spoken.Words(leaf, "fr"), " "))
			ts.Setenv("WORDS_EN", strings.Join(spoken.Words(leaf, "en"), " "))
		},
		// joins NAME: another reviewer joins channel Nice. Again, it is the same one.
		"joins": func(ts *testscript.TestScript, _ bool, args []string) {
			c, err := seal.ParseCertificate(other, time.Now())
			ts.Check(err)
			vaultOf(ts).AddReviewer(args[0], c)
		},
		// cut FILE N: takes the last N bytes away.
		"cut": func(ts *testscript.TestScript, _ bool, args []string) {
			edit(ts, args, func(b []byte, n int) []byte { return b[:len(b)-n] })
		},
		// flip FILE N: changes the byte N before the end.
		"flip": func(ts *testscript.TestScript, _ bool, args []string) {
			edit(ts, args, func(b []byte, n int) []byte { b[len(b)-n] ^= 1; return b })
		},
		// capture VARIABLE: sets it to the last standard output.
		"capture": func(ts *testscript.TestScript, _ bool, args []string) {
			ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile("stdout")))
		},
		// capture-id VARIABLE: sets it to the last submission's id.
		"capture-id": func(ts *testscript.TestScript, _ bool, args []string) { ts.Setenv(args[0], ts.Getenv("ID")) },
		// fresh NAME: makes a new desk's home, NAME.home.
		"fresh": func(ts *testscript.TestScript, _ bool, args []string) {
			home := ts.MkAbs(args[0] + ".home")
			ts.Check(os.CopyFS(home, os.DirFS(template)))
			ts.Check(shut(home))
		},
		// repeat FILE TEXT N
		"repeat": func(ts *testscript.TestScript, _ bool, args []string) {
			n, err := strconv.Atoi(args[2])
			ts.Check(err)
			ts.Check(os.WriteFile(ts.MkAbs(args[0]), bytes.Repeat([]byte(args[1]), n), 0o600))
		},
		// fails CODE PROGRAM ARG...: runs a program that must exit with that code.
		"fails": fails,
		// tries PROGRAM ARG...: runs a program, whatever it exits with.
		"tries": func(ts *testscript.TestScript, _ bool, args []string) { _ = ts.Exec(args[0], args[1:]...) },
		// another-vault: what is submitted from now on goes to a new vault.
		"another-vault": func(ts *testscript.TestScript, _ bool, _ []string) {
			*vaultOf(ts) = *desktest.NewVault(t)
		},
		// private FILE: nobody but the owner can read it.
		"private": func(ts *testscript.TestScript, _ bool, args []string) {
			info, err := os.Stat(ts.MkAbs(args[0]))
			ts.Check(err)
			if info.Mode().Perm()&0o077 != 0 {
				ts.Fatalf("%s has mode %v", args[0], info.Mode())
			}
		},
	}
}

// lies are some that a server can tell in a parcel; [TestLies] has the others.
var lies = map[string]func(f *desktest.Forgery, id string){
	"add-recipient": func(f *desktest.Forgery, id string) {
		name := "submissions/" + id + "/envelope.pgp"
		for _, s := range f.Index.Submissions {
			if s.Channel == "Ailleurs" {
				f.Files[name] = append(f.Files[name], f.Files["submissions/"+s.ID+"/envelope.pgp"]...)
			}
		}
	},
	"fork": func(f *desktest.Forgery, id string) {
		f.Index.Submissions = nil
		f.Leaves = f.Leaves[:len(f.Leaves)-1]
		f.Leaves[0], f.Leaves[1] = f.Leaves[1], f.Leaves[0]
	},
}

func fails(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != want {
		ts.Fatalf("want exit code %d, got: %v\n%s", want, err, ts.ReadFile("stderr"))
	}
}

func backups(ts *testscript.TestScript) *[]byte { return ts.Value("backup").(*[]byte) }

func vaultOf(ts *testscript.TestScript) *desktest.Vault {
	return ts.Value("vault").(*desktest.Vault)
}

func submit(ts *testscript.TestScript, certificate []byte, args []string) {
	var files []desktest.File
	for i := 1; i+1 < len(args); i += 2 {
		raw, err := os.ReadFile(ts.MkAbs(args[i+1]))
		ts.Check(err)
		files = append(files, desktest.File{Name: unquote(ts, args[i]), Type: "text/plain", Data: raw})
	}
	ts.Setenv("ID", vaultOf(ts).Submit(certificate, unquote(ts, args[0]), files...))
}

func forge(ts *testscript.TestScript, certificate []byte, file string) {
	v := vaultOf(ts)
	raw, err := os.ReadFile(ts.MkAbs(file))
	ts.Check(err)
	m, err := desktest.Manifest("", desktest.File{Name: "promised", Data: raw}).Encode()
	ts.Check(err)
	s := v.Sealer(certificate)
	ts.Setenv("ID", v.Commit(s.Envelope(), v.Seal(s, m), v.Seal(s, append(raw, '!'))))
}

func unquote(ts *testscript.TestScript, text string) string {
	s, err := strconv.Unquote(`"` + text + `"`)
	ts.Check(err)
	return s
}

func edit(ts *testscript.TestScript, args []string, change func([]byte, int) []byte) {
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	path := ts.MkAbs(args[0])
	raw, err := os.ReadFile(path)
	ts.Check(err)
	ts.Check(os.WriteFile(path, change(raw, n), 0o600))
}
