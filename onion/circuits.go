package onion

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"sourdine/onion/internal/control"
)

// cut closes every circuit between a visitor and the service at address. tor
// leaves them open when a service is deleted, and takes new requests on them
// as soon as the same address is announced again: a client that was removed
// would stay inside for as long as it likes.
func (t *Tor) cut(ctx context.Context, address string) error {
	answer, err := t.do(ctx, "GETINFO circuit-status")
	if err != nil {
		return fmt.Errorf("cutting off visitors: %w", err)
	}
	for _, id := range visitorCircuits(strings.Join(answer, "\n"), address) {
		_, err := t.do(ctx, "CLOSECIRCUIT "+id)
		var refused *control.Refusal
		if errors.As(err, &refused) && refused.Code == 552 { // closed by itself
			continue
		}
		if err != nil {
			return fmt.Errorf("cutting off visitors: %w", err)
		}
	}
	return nil
}

// visitorCircuits picks the ids of the rendezvous circuits of one service from
// the answer to GETINFO circuit-status (control-spec, section 3.9), whose
// lines read "ID STATE PATH KEY=VALUE …".
func visitorCircuits(status, address string) []string {
	purpose, query := "PURPOSE=HS_SERVICE_REND", "REND_QUERY="+strings.TrimSuffix(address, addressSuffix)
	var ids []string
	for line := range strings.Lines(status) {
		fields := strings.Fields(strings.TrimPrefix(line, "circuit-status="))
		matches := 0
		for _, f := range fields {
			if f == purpose || f == query {
				matches++
			}
		}
		if matches == 2 {
			ids = append(ids, fields[0])
		}
	}
	return ids
}
