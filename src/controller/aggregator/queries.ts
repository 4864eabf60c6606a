/**
 * What is asked of Prometheus. Metrics that are read as they are share a query; what needs arithmetic has its own. All
 * go out at once, and joins that the original leaves to Prometheus (where one surplus series fails them) are made here.
 */
const named = (...names: readonly string[]): string => `{__name__=~"${names.join('|')}"}`;

export const QUERIES = {
  /** Which clusters and nodes there are; without it there is no taxonomy. */
  identity: named('node_uname_info', 'tlum_orch_info', 'tlum_ocm_agent_info', 'tlum_host_labels'),
  age: 'min(timestamp(up))',
  capacity: 'kube_node_status_capacity{resource=~"cpu|memory"}',
  memory: named('node_memory_MemAvailable_bytes', 'node_memory_MemFree_bytes', 'node_memory_MemTotal_bytes'),
  frequency: 'max without(cpu) (node_cpu_frequency_max_hertz)',
  cores: 'count without(cpu, mode) (node_cpu_seconds_total{mode="idle"})',
  usage: '100 * (1 - avg without(cpu, mode) (rate(node_cpu_seconds_total{mode="idle"}[5m])))',
  temperature: 'max without(zone, type) (node_thermal_zone_temp)',
  energy: 'sum without(domain_id, domain_name) (scaph_host_energy_microjoules_total) / 1e6',
  power: 'rate(scaph_host_energy_microjoules_total[5m]) / 1e6',
  uptime: 'time() - node_boot_time_seconds',
  security: named('SCA_score', 'vulnerabilities'),
  network: named('node_network_info', 'node_network_up', 'node_network_address_info', 'node_network_speed_bytes'),
  traffic: `label_replace(rate(node_network_receive_bytes_total[5m]), "direction", "in", "", "")
    or label_replace(rate(node_network_transmit_bytes_total[5m]), "direction", "out", "", "")`,
  storage: named('node_filesystem_size_bytes', 'node_filesystem_avail_bytes'),
  gpu: named(
    'DCGM_FI_DEV_FB_FREE',
    'DCGM_FI_DEV_FB_USED',
    'DCGM_FI_DEV_SM_CLOCK',
    'DCGM_FI_DEV_GPU_TEMP',
    'DCGM_FI_DEV_POWER_USAGE',
    'DCGM_FI_DEV_GPU_UTIL',
  ),
  gpuCapacity: 'kube_node_status_capacity{resource=~"nvidia_com_gpu|amd_com_gpu|gpu_intel_com_i915"}',
  devices: 'node_mounted',
  pods: 'kube_pod_info',
  phases: 'kube_pod_status_phase == 1',
  containers: 'kube_pod_container_info',
  containerUsage: 'container_cpu_utilization_ratio',
} as const;
export type QueryName = keyof typeof QUERIES;
export const QUERY_NAMES = Object.keys(QUERIES) as QueryName[];
