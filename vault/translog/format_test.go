package translog_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sourdine/vault/translog"
)

// blocks returns what FORMAT.md shows in code blocks of a language.
func blocks(t *testing.T, language string) []string {
	t.Helper()
	text, err := os.ReadFile("FORMAT.md")
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, m := range regexp.MustCompile("(?ms)^```([a-z0-9]*)\n(.*?)^```$").FindAllStringSubmatch(string(text), -1) {
		if m[1] == language {
			list = append(list, m[2])
		}
	}
	return list
}

// exampleLeaves are those of FORMAT.md, section 1.6, on one line each.
func exampleLeaves(t *testing.T) []string {
	t.Helper()
	joined := strings.ReplaceAll(blocks(t, "")[0], "\n", "")
	return strings.Split(strings.ReplaceAll(joined, `}{"v"`, "}\n"+`{"v"`), "\n")
}

func TestExamplesOfTheFormat(t *testing.T) {
	kinds := make(map[string]translog.Leaf)
	for _, raw := range exampleLeaves(t) {
		leaf, err := translog.Decode([]byte(raw))
		if err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		kinds[strings.Split(raw, `"`)[5]] = leaf
	}
	if len(kinds) != 5 {
		t.Errorf("the examples are of %d kinds", len(kinds))
	}
	recipient := kinds["submission"].(translog.Submission).Recipients[0]
	if got := translog.RecipientHash(kinds["roster"].(translog.Roster).Members[0].Fingerprint); got != recipient {
		t.Errorf("the example's recipient is %s, the member's hash %s", recipient, got)
	}
	if blocks(t, "")[1] != goodText+"\n"+goodLine || blocks(t, "")[2] != vaultKey+"\n" {
		t.Error("the example checkpoint, or its key, is not the one of the tests")
	}
}

// The recipes of FORMAT.md, section 6, run as they stand there.
func TestRecipesOfTheFormat(t *testing.T) {
	for _, tool := range []string{"bash", "openssl", "python3"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	folder := t.TempDir()
	put := func(name, text string) {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(script string) (string, error) {
		c := exec.Command("bash", "-e", "-c", script)
		c.Dir, c.Env = folder, append(os.Environ(), "VAULT_KEY="+vaultKey)
		out, err := c.CombinedOutput()
		return string(out), err
	}
	var leaves [][]byte
	lines := strings.Join(exampleLeaves(t), "\n") + "\n"
	for line := range bytes.Lines([]byte(lines)) {
		leaves = append(leaves, bytes.TrimSuffix(line, []byte("\n")))
	}
	stored, err := translog.Append(0, leaves, hashes(nil))
	if err != nil {
		t.Fatal(err)
	}
	signed, err := head(t, int64(len(leaves)), hashes(stored)).Sign(secret)
	if err != nil {
		t.Fatal(err)
	}
	put("checkpoint", string(signed))
	put("leaves.jsonl", lines)
	put("root.py", blocks(t, "python")[0])
	recipes := blocks(t, "sh")
	for n, says := range []string{"Signature Verified Successfully", "the checkpoint is of these leaves"} {
		if out, err := run(recipes[n]); err != nil || !strings.Contains(out, says) {
			t.Errorf("recipe %d: %v\n%s", n, err, out)
		}
	}
	put("leaves.jsonl", strings.Replace(lines, "Nice", "Lyon", 1))
	put("checkpoint", strings.Replace(string(signed), "\n5\n", "\n6\n", 1))
	for n, recipe := range recipes {
		if out, err := run(recipe); err == nil && !strings.Contains(out, "Failure") {
			t.Errorf("recipe %d finds nothing wrong:\n%s", n, out)
		}
	}
}
