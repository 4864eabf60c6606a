# Needs git, make and any Node.js from 20 up with npm; npm scripts use the Node that package-lock.json pins.
.PHONY: install build test test-long check bench clean

install: node_modules/.installed

node_modules/.installed: package-lock.json
	# `npm ci` of npm 11 takes the optional packages of other platforms for missing; this installs what the lock file pins.
	npm install --no-save --no-audit --no-fund --loglevel=error
	touch $@

build: install
	npm run --silent build

check: install
	npm run --silent check

test: install
	npm run --silent test:short

test-long: install
	npm run --silent test:long

bench: install
	npm run --silent bench

clean:
	rm -rf dist out node_modules
