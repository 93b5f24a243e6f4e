package bestfit.cli;

import bestfit.config.ConfigException;
import bestfit.deploy.NodeAddress;
import bestfit.deploy.NodeClient;
import bestfit.hardware.Device;
import bestfit.hardware.Inventory;
import bestfit.hardware.ServerSpec;
import bestfit.hardware.SmiInventory;
import bestfit.tune.SimulatedTime;
import java.io.IOException;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Where a campaign deploys. */
sealed interface TuneTarget {
    /** What the campaign's key holds. */
    String where();

    /** For people. */
    String title();

    String engine();

    /** With its version, for the campaign's key; of a running node that of the node, for its engine may not run yet. */
    String engineAndVersion(Map<String, String> environment) throws IOException;

    /** The devices that instances are spread over; {@code told} is the user's number. */
    Inventory inventory(@Nullable Integer told, Map<String, String> environment) throws IOException;

    /** Its memory is divided as the embedded engine divides it, else as vLLM does. */
    boolean embedded(Inventory inventory);

    /** Its engines are vLLM on GPUs, as far as can be told: a start takes a minute and more. */
    boolean slowStarts(Inventory inventory);

    /**
     * A node that runs already.
     *
     * @param managementToken file of the token that its management API asks for
     */
    record Running(NodeAddress address, Optional<Path> managementToken) implements TuneTarget {
        @Override
        public String where() {
            return address.management();
        }

        @Override
        public String title() {
            return address.management();
        }

        @Override
        public String engine() {
            return "the node's engine";
        }

        @Override
        public String engineAndVersion(Map<String, String> environment) throws IOException {
            return engine() + ", node " + new NodeClient(address).state().version();
        }

        @Override
        public Inventory inventory(@Nullable Integer told, Map<String, String> environment) throws IOException {
            var client = new NodeClient(address);
            try {
                client.state();
            } catch (IOException e) {
                throw new ConfigException("--node " + address.management() + " gives no answer of a node: "
                        + e.getMessage() + "; give the management URL of a running node, such as http://HOST:8080");
            }
            var gpus = client.gpus();
            if (!gpus.isEmpty()) {
                var found = new Inventory(gpus, 0);
                return told == null ? found : found.resized(told);
            }
            if (told != null) {
                return Inventory.cores(told);
            }
            if (isHere()) {
                return Inventory.cores(
                        Inventory.defaultCores(Runtime.getRuntime().availableProcessors()));
            }
            throw new ConfigException(
                    "--node " + address.management() + " does not tell its devices; give their number with --devices");
        }

        @Override
        public boolean embedded(Inventory inventory) {
            return inventory.kind() == Device.Kind.CORE;
        }

        @Override
        public boolean slowStarts(Inventory inventory) {
            return inventory.kind() == Device.Kind.GPU;
        }

        /** Its devices are this machine's. */
        boolean isHere() {
            try {
                return InetAddress.getByName(URI.create(address.management()).getHost())
                        .isLoopbackAddress();
            } catch (UnknownHostException e) {
                return false;
            }
        }
    }

    /**
     * GPUs that are not there.
     *
     * @param spec as the engine takes it
     */
    record Simulated(String spec, String timeScale) {
        /** Without what varies. */
        String server() {
            return spec.split(",", -1)[0];
        }

        Inventory inventory(@Nullable Integer told) {
            var server = ServerSpec.parse(server());
            var devices = new ArrayList<Device>();
            for (int i = 0; i < server.count(); i++) {
                devices.add(new Device(
                        Device.Kind.GPU, i, server.gpu().name(), server.gpu().memoryBytes()));
            }
            var all = new Inventory(devices, 0);
            return told == null ? all : all.resized(told);
        }

        SimulatedTime time() {
            return SimulatedTime.of(spec, Double.parseDouble(timeScale));
        }
    }

    /** A node that the campaign starts for itself on this machine. */
    record Own(
            boolean vllm,
            Optional<String> python,
            Optional<String> fault,
            Optional<Simulated> simulated,
            Optional<String> startTimeout)
            implements TuneTarget {
        /** Its engines compute on this machine's cores. */
        boolean onCores() {
            return !vllm && simulated.isEmpty();
        }

        @Override
        public String where() {
            return simulated.map(each -> "simulated " + each.server()).orElse("here");
        }

        @Override
        public String title() {
            return simulated
                    .map(each -> each.server() + ", simulated " + each.timeScale() + " times as fast as life")
                    .orElse("this machine");
        }

        @Override
        public String engine() {
            return vllm ? "vLLM" : simulated.isPresent() ? "embedded engine, simulated" : "embedded engine";
        }

        @Override
        public String engineAndVersion(Map<String, String> environment) {
            return engine() + " "
                    + (vllm
                            ? VllmPython.find(python, environment)
                                    .flatMap(VllmPython::version)
                                    .orElse("of unknown version")
                            : VersionCommand.versionAndCommit());
        }

        @Override
        public Inventory inventory(@Nullable Integer told, Map<String, String> environment) {
            if (simulated.isPresent()) {
                return simulated.get().inventory(told);
            }
            if (!vllm) {
                int cores = Inventory.defaultCores(Runtime.getRuntime().availableProcessors());
                return Inventory.cores(told == null ? cores : told);
            }
            var gpus = SmiInventory.gpus(environment);
            if (!gpus.isEmpty()) {
                return new Inventory(gpus, 0).resized(told == null ? gpus.size() : told);
            }
            if (told == null) {
                throw new ConfigException(
                        "--engine vllm: no NVIDIA GPU is found; give the number of devices with --devices");
            }
            // vLLM's build for CPUs: its devices share the machine's memory.
            return hostCores(told);
        }

        @Override
        public boolean embedded(Inventory inventory) {
            return !vllm && simulated.isEmpty();
        }

        @Override
        public boolean slowStarts(Inventory inventory) {
            return vllm;
        }

        private static Inventory hostCores(int count) {
            var cores = Inventory.cores(count);
            var devices = new ArrayList<Device>();
            for (var core : cores.devices()) {
                devices.add(new Device(
                        Device.Kind.CORE, core.index(), core.name(), Math.max(1, cores.hostMemoryBytes() / count)));
            }
            return new Inventory(devices, cores.hostMemoryBytes());
        }

        /** Arguments of {@code bestfit node} for it. */
        List<String> arguments(int devices) {
            var arguments = new ArrayList<>(List.of(
                    "node",
                    "--port",
                    "0",
                    "--inference-port",
                    "0",
                    "--engine",
                    vllm ? "vllm" : "embedded",
                    "--devices",
                    Integer.toString(devices)));
            startTimeout
                    .or(() -> vllm ? Optional.empty() : Optional.of("auto")) // vLLM may take many minutes, or seconds
                    .ifPresent(limit -> arguments.addAll(List.of("--start-timeout", limit)));
            python.ifPresent(path -> arguments.addAll(List.of("--python", path)));
            simulated.ifPresent(
                    each -> arguments.addAll(List.of("--simulate", each.spec(), "--time-scale", each.timeScale())));
            fault.ifPresent(spec -> arguments.addAll(List.of("--fault", spec)));
            return arguments;
        }
    }
}
