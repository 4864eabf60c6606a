# Needs git, make and any Node.js from 20 up with npm; npm scripts use the Node that package-lock.json pins.
.PHONY: install build test test-long check bench clean demo demo-iris demo-cars demo-containers demo-controller demo-python

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

# Four agents on this machine train a k-means. POINTS=80000 for a small data set, PORTS=… for other REST ports.
demo: install
	npm run --silent demo

demo-iris: install
	npm run --silent demo:iris

demo-cars: install
	npm run --silent demo:cars

# The same in four containers; needs a Docker engine.
demo-containers: install
	npm run --silent demo:containers

# A lighthouse, two controllers, a pool deployed through the shell, k-means on it; leaves nothing behind.
demo-controller: install
	npm run --silent demo:controller

# PyCOMPSs's k-means training on four agents; needs a Python with numpy. POINTS=800000 for the size of the deployment test.
demo-python: install
	npm run --silent demo:python

bench: install
	npm run --silent bench

clean:
	rm -rf dist out node_modules
