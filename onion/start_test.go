package onion

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestStartRefuses(t *testing.T) {
	long := filepath.Join(t.TempDir(), strings.Repeat("x", 100))
	for name, c := range map[string]struct {
		cfg  Config
		says string
	}{
		"nothing":               {Config{}, "neither"},
		"torrc for another tor": {Config{ControlAddr: "127.0.0.1:1", ExtraTorrc: []string{"SocksPort 1"}}, "no configuration"},
		"nobody listens":        {Config{ControlAddr: "unix:" + long}, "attaching"},
		"folder name too long":  {Config{DataDir: long}, "hint"},
	} {
		tor, err := Start(t.Context(), c.cfg)
		if err == nil || tor != nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: err = %v, want one with %q", name, err, c.says)
		}
	}
}
