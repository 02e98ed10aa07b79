# Sourdine. The two commands that matter: make run, make test.

# One static binary each; the sandboxes of the desk rely on there being no C
# library under Go.
export CGO_ENABLED = 0

# The network that `make run` publishes on: private, public or off.
TOR ?= private

BUILD = go build -trimpath -o bin/ ./cmd/sourdine ./cmd/sourdine-desk

.PHONY: run test bench build quick lint e2e crash crash-short clean

run: ## try it: the source's site, pickup and the desk, on this machine
	@deploy/install.sh tor
	@mkdir -p var; $(BUILD) 2>var/build.log || { cat var/build.log; exit 1; }
	@deploy/demo.sh $(TOR)

test: ## everything, as CI does
	@deploy/install.sh tor firefox-esr chromium gpg sq node npm jq openssl python3
	@$(MAKE) --no-print-directory lint
	@deploy/test.sh quick
	@deploy/test.sh e2e

bench: ## figures, beside gpg and plain files in the same run
	@deploy/install.sh gpg
	go test -tags bench -count=1 -timeout 60m -v ./deploy/bench

build: ## bin/sourdine and bin/sourdine-desk
	$(BUILD)

quick: ## the inner loop: no Tor, no browser
	go test ./...

lint:
	@test -z "$$(gofmt -l cmd submit vault onion journalist-ui deploy)" || { gofmt -l cmd submit vault onion journalist-ui deploy; echo "error: gofmt would change these"; exit 1; }
	go vet ./...
	go vet -tags e2e,long ./...
	go vet -tags bench ./deploy/bench
	go vet -tags crash ./deploy/crash/...
	go tool staticcheck -tags e2e,crash,long ./...

e2e: ## the tests that need Tor, browsers and other OpenPGP programs
	@deploy/test.sh e2e

crash: ## nightly: kill the server 2,000 times and more, and let its disk fail as often
	@deploy/test.sh crash 2000

crash-short: ## the same, 100 times: a part of e2e
	@deploy/test.sh crash 100

clean: ## what was built; the demo's home stays
	rm -rf bin
