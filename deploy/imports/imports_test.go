package imports

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const (
	bbolt     = "go.etcd.io/bbolt"
	bine      = "github.com/cretz/bine"
	goCrypto  = "github.com/ProtonMail/go-crypto"
	gorilla   = "github.com/gorilla/mux"
	note      = "golang.org/x/mod/sumdb"
	sqlite    = "github.com/ncruces/go-sqlite3"
	adiantum  = "lukechampine.com/adiantum"
	xcrypto   = "golang.org/x/crypto"
	xsys      = "golang.org/x/sys"
	xtext     = "golang.org/x/text"
	mySelf    = "sourdine"
	desk      = "sourdine/journalist-ui"
	pickup    = "sourdine/journalist-ui/pickup"
	onion     = "sourdine/onion"
	submit    = "sourdine/submit"
	theVault  = "sourdine/vault"
	testsOnly = "sourdine/vault/vaulttest"
)

// network is what a package without any must not reach.
var network = []string{"net", "net/http"}

// tests is what no program carries.
var tests = []string{"testing", testsOnly, "sourdine/deploy", "sourdine/journalist-ui/desk/desktest", "net/http/pprof", "expvar"}

// A rule is about a package, or, when its name ends in "/...", about those below
// it too. Names in the lists stand for what is below them as well, except
// those of the standard library.
type rule struct {
	of     string
	never  []string // not even through others
	except []string // of never
	may    []string // beside the standard library; nil: anything
	why    string
}

var rules = []rule{
	{of: "sourdine/cmd/sourdine", never: append([]string{desk}, tests...), except: []string{pickup},
		why: "the server cannot open, keep or show what it receives (promise 2)"},
	{of: "sourdine/cmd/sourdine-desk", never: append([]string{onion, submit, bine, pickup, "sourdine/vault/admin"}, tests...),
		why: "the desk never goes online (promise 7)"},
	{of: theVault, never: append([]string{"os/exec", goCrypto, mySelf + "/vault/seal"}, network...), may: []string{bbolt, note, xsys, theVault + "/translog", theVault + "/slots"},
		why: "the vault stores what it cannot read, and speaks to nobody"},
	{of: "sourdine/vault/seal", never: append([]string{"os/exec", bbolt}, network...), may: []string{goCrypto},
		why: "it encrypts, and does nothing else"},
	{of: "sourdine/vault/parcel", never: append([]string{"os/exec", desk, submit, onion}, network...), may: []string{theVault, goCrypto, note},
		why: "the desk reads with it what a server wrote"},
	{of: "sourdine/vault/translog", never: append([]string{"os/exec", bbolt, goCrypto, desk, onion, submit}, network...), may: []string{note},
		why: "it computes; who stores, signs for and sends what it computes is not its business"},
	{of: "sourdine/vault/slots", never: append([]string{"os/exec", bbolt, goCrypto, desk, onion, submit}, network...), may: []string{xsys},
		why: "a file of keys, and nothing that they open"},
	{of: "sourdine/vault/order", never: append([]string{"os/exec", desk, submit, onion}, network...), may: []string{theVault, goCrypto, note},
		why: "the server verifies with it what a desk signed"},
	{of: "sourdine/vault/backup", never: append([]string{"os/exec", desk, submit, onion}, network...), may: []string{theVault, goCrypto},
		why: "it seals a copy, and opens none"},
	{of: "sourdine/vault/manifest", never: network, may: []string{},
		why: "a format, for both programs"},
	{of: "sourdine/vault/card", never: network, may: []string{},
		why: "a format, for both programs"},
	{of: "sourdine/vault/clientkey", never: append([]string{"os/exec"}, network...), may: []string{},
		why: "a format, for both programs"},
	{of: "sourdine/vault/spoken", never: network, may: []string{"github.com/tyler-smith/go-bip39"},
		why: "a way to read aloud, for both programs"},
	{of: "sourdine/vault/lang", never: []string{theVault + "/seal", goCrypto, bbolt},
		why: "it knows nothing of submissions"},
	{of: "sourdine/vault/admin", never: []string{desk, onion, submit, bine},
		why: "what the admin does needs neither sources nor Tor"},
	{of: "sourdine/submit/...", never: append([]string{desk, onion, bine, "os/exec"}, tests...),
		may: []string{theVault, submit, gorilla, goCrypto, xcrypto, xtext, "github.com/tyler-smith/go-bip39"},
		why: "the source's site seals, and does not know how it is reached"},
	{of: "sourdine/onion/...", never: append([]string{desk, submit, goCrypto, bbolt}, tests...),
		may: []string{onion, bine, "sourdine/vault/clientkey", xcrypto, xsys, "golang.org/x/net"},
		why: "Tor, and nothing of what it carries"},
	{of: pickup, never: append([]string{goCrypto, onion, submit, "os/exec"}, tests...), may: []string{theVault, gorilla, xtext},
		why: "only ciphertext passes pickup"},
	{of: "sourdine/journalist-ui/unseal", never: append([]string{"os/exec", theVault, bbolt}, network...), may: []string{goCrypto},
		why: "it decrypts, and does nothing else"},
	{of: "sourdine/journalist-ui/casebook", never: []string{goCrypto, theVault, onion, submit, "net/http", "os/exec"}, may: []string{sqlite, adiantum, xtext, xsys},
		why: "the desk's memory knows no vault"},
	{of: "sourdine/journalist-ui/witness", never: append([]string{"os/exec", onion, submit, sqlite}, network...), may: []string{theVault, "sourdine/journalist-ui/unseal", goCrypto, note},
		why: "it checks what the server says, and asks nobody"},
	{of: "sourdine/journalist-ui/preview/...", never: append([]string{theVault, goCrypto, sqlite, onion, submit, "sourdine/journalist-ui/unseal"}, tests...),
		why: "what touches a hostile document has no key and no memory (promise 8)"},
	{of: "sourdine/journalist-ui/desk", never: append([]string{onion, submit, bine, "os/exec", "net/http"}, tests...),
		why: "the desk never goes online (promise 7)"},
	{of: "sourdine/journalist-ui", never: append([]string{onion, submit, bine, pickup}, tests...),
		why: "the desk never goes online (promise 7)"},
}

// A listed package is what go list says of one.
type listed struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

func list(t *testing.T) map[string]listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,Deps", "sourdine/...")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	var errOut bytes.Buffer
	cmd.Stderr = &errOut
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, errOut.String())
	}
	all := map[string]listed{}
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all[p.ImportPath] = p
	}
}

// isStandard: only names of the standard library begin without a dot or
// our own name.
func isStandard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return first != mySelf && !strings.Contains(first, ".")
}

// covers reports whether name stands for path.
func covers(name, path string) bool {
	return path == name || !isStandard(name) && strings.HasPrefix(path, name+"/")
}

func coveredBy(names []string, path string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return covers(name, path) })
}

func (r rule) isAbout(path string) bool {
	if below, all := strings.CutSuffix(r.of, "/..."); all {
		return covers(below, path)
	}
	return path == r.of
}

func TestImports(t *testing.T) {
	all := list(t)
	for _, r := range rules {
		found := false
		for path, p := range all {
			if !r.isAbout(path) {
				continue
			}
			found = true
			for _, dep := range p.Deps {
				if coveredBy(r.never, dep) && !coveredBy(r.except, dep) {
					t.Errorf("%s depends on %s, directly or through others: %s", path, dep, r.why)
				}
			}
			for _, dep := range p.Imports {
				if r.may != nil && !isStandard(dep) && !coveredBy(r.may, dep) && !covers(strings.TrimSuffix(r.of, "/..."), dep) {
					t.Errorf("%s imports %s, which is not on its list: %s", path, dep, r.why)
				}
			}
		}
		if !found {
			t.Errorf("there is no package %s that the rule could be about", r.of)
		}
	}
}

// The rules do find what they look for.
func TestRulesFind(t *testing.T) {
	for _, c := range []struct {
		name, path string
		want       bool
	}{
		{"net", "net", true}, {"net", "net/url", false}, {"os", "os/exec", false},
		{desk, "sourdine/journalist-ui/unseal", true}, {desk, "sourdine/journalist-uis", false},
		{bine, "github.com/cretz/bine/control", true}, {theVault, "sourdine/vault/seal", true},
	} {
		if covers(c.name, c.path) != c.want {
			t.Errorf("covers(%q, %q) = %v", c.name, c.path, !c.want)
		}
	}
	server := list(t)["sourdine/cmd/sourdine"]
	for _, known := range []string{onion, submit, theVault, goCrypto + "/openpgp/v2", "net/http", "os/exec", pickup} {
		if !slices.Contains(server.Deps, known) {
			t.Errorf("go list does not tell that the server depends on %s", known)
		}
	}
}
