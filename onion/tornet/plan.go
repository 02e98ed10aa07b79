package tornet

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// planFile holds the plan. It is written last when a network is founded: where
// it is missing, founding was interrupted and starts over.
const planFile = "network.json"

// plan is what outlives a run. Ports and keys live and die together: were they
// mixed, a tor that remembers an older consensus of the same authorities would
// trust it and look for relays where none are any more.
type plan struct {
	Version int       `json:"version"`
	Offset  int       `json:"voting_offset"` // seconds; see schedule
	Nodes   []address `json:"nodes"`
}

// address is what a plan says of one node.
type address struct {
	Name        string `json:"name"`
	ORPort      int    `json:"or_port"`
	DirPort     int    `json:"dir_port,omitempty"`    // authorities only
	Fingerprint string `json:"fingerprint,omitempty"` // authorities only, as V3Ident
	V3Ident     string `json:"v3_ident,omitempty"`
}

func (a address) authority() bool { return a.DirPort != 0 }

const planVersion = 1

// newPlan lays out three authorities and three relays over nine ports.
func newPlan(ports []int) plan {
	p := plan{Version: planVersion}
	for i := range 3 {
		p.Nodes = append(p.Nodes, address{Name: fmt.Sprintf("authority%d", i+1), ORPort: ports[i], DirPort: ports[i+3]})
	}
	for i := range 3 {
		p.Nodes = append(p.Nodes, address{Name: fmt.Sprintf("relay%d", i+1), ORPort: ports[i+6]})
	}
	return p
}

const portsNeeded = 9

func (p plan) ports() []int {
	var ports []int
	for _, n := range p.Nodes {
		ports = append(ports, n.ORPort)
		if n.authority() {
			ports = append(ports, n.DirPort)
		}
	}
	return ports
}

func (p plan) authorities() []address {
	var out []address
	for _, n := range p.Nodes {
		if n.authority() {
			out = append(out, n)
		}
	}
	return out
}

func (p plan) save(dir string) error {
	b, err := json.MarshalIndent(p, "", "\t")
	if err != nil {
		return fmt.Errorf("writing plan of the network: %w", err)
	}
	path := filepath.Join(dir, planFile)
	if err := os.WriteFile(path+".new", b, 0o600); err != nil {
		return fmt.Errorf("writing plan of the network: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("writing plan of the network: %w", err)
	}
	return nil
}

// loadPlan returns the plan of an earlier run, and whether there is one that
// can be used. One that is damaged, or of another version, counts as none.
func loadPlan(dir string) (plan, bool) {
	b, err := os.ReadFile(filepath.Join(dir, planFile))
	if err != nil {
		return plan{}, false
	}
	var p plan
	if json.Unmarshal(b, &p) != nil || p.Version != planVersion || len(p.ports()) != portsNeeded {
		return plan{}, false
	}
	return p, true
}
