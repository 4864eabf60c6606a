/** The metrics of a made-up continuum, in the text format that Prometheus scrapes. */

export type MetricLabels = Readonly<Record<string, string | number>>;

export const metric = (name: string, labels: MetricLabels, value: number): string =>
  `${name}{${Object.entries(labels)
    .map(([key, text]) => `${key}="${text}"`)
    .join(',')}} ${value}`;

export interface FleetShape {
  readonly clusters: number;
  readonly nodesPerCluster: number;
  readonly podsPerNode: number;
}

const MEBI = 2 ** 20;

/** Clusters of OCM as the telemetry of the release describes them: 8 cores and 16 GiB a node. */
export function fleetMetrics({ clusters, nodesPerCluster, podsPerNode }: FleetShape): string {
  const lines: string[] = [];
  for (let c = 0; c < clusters; c += 1) {
    const cluster = { k8s_cluster_uid: `uid-${c}` };
    lines.push(metric('tlum_orch_info', { ...cluster, type: 'ocm', agent_id: `agent-${c}`, agent_name: `a-${c}` }, 1));
    lines.push(metric('tlum_ocm_agent_info', { ...cluster, name: `cluster-${c}` }, 1));
    for (let n = 0; n < nodesPerCluster; n += 1) {
      lines.push(...nodeMetrics(c, n));
      for (let p = 0; p < podsPerNode; p += 1) lines.push(...podMetrics(c, n, p));
    }
  }
  return `${lines.join('\n')}\n`;
}

export const hostLabels = (cluster: number, node: number): MetricLabels => ({
  k8s_cluster_uid: `uid-${cluster}`,
  icos_agent_id: `agent-${cluster}`,
  icos_host_id: `host-${cluster}-${node}`,
  icos_host_name: `uid-${cluster}:n${node}`,
});

function nodeMetrics(cluster: number, node: number): string[] {
  const host = hostLabels(cluster, node);
  const uname = { ...host, nodename: `n${node}`, net_host_name: `10.${cluster}.0.${node}`, machine: 'x86_64' };
  const kube = { k8s_cluster_uid: `uid-${cluster}`, icos_agent_id: `agent-${cluster}`, node: `n${node}` };
  return [
    metric('node_uname_info', { ...uname, icos_alpha_latitude: 41.38, icos_alpha_longitude: 2.11 }, 1),
    metric('kube_node_status_capacity', { ...kube, resource: 'cpu' }, 8),
    metric('kube_node_status_capacity', { ...kube, resource: 'memory' }, 16384 * MEBI),
    metric('node_memory_MemFree_bytes', host, 1000 * MEBI),
    metric('node_memory_MemAvailable_bytes', host, 9000 * MEBI),
    metric('SCA_score', { agent_hostname: `n${node}`, agent_ip: `10.${cluster}.0.${node}` }, 40 + (node % 60)),
    metric('node_network_up', { ...host, device: 'eth0' }, 1),
    metric('node_filesystem_size_bytes', { ...host, mountpoint: '/', fstype: 'ext4', device: '/dev/sda1' }, 5e10),
    metric('node_filesystem_avail_bytes', { ...host, mountpoint: '/', fstype: 'ext4', device: '/dev/sda1' }, 2e10),
  ];
}

function podMetrics(cluster: number, node: number, pod: number): string[] {
  const name = `app-${node}-${pod}`;
  const common = { k8s_cluster_uid: `uid-${cluster}`, namespace: 'apps', pod: name };
  const host = `host-${cluster}-${node}`;
  return [
    metric('kube_pod_info', { ...common, pod_ip: `10.${cluster}.${node % 250}.${pod}`, node: `n${node}` }, 1),
    metric('kube_pod_status_phase', { ...common, phase: 'Running' }, 1),
    metric('kube_pod_container_info', { ...common, container: 'c', icos_host_id: host }, 1),
    metric(
      'container_cpu_utilization_ratio',
      { k8s_cluster_uid: `uid-${cluster}`, k8s_namespace_name: 'apps', k8s_pod_name: name, k8s_container_name: 'c' },
      0.01,
    ),
  ];
}

/**
 * Two clusters that have everything: one of OCM with a camera, disks, a GPU and counters, one of Nuvla; and what must
 * not come in (the controller itself, a machine without an orchestrator).
 */
export function richMetrics(counter: number): string {
  const edge = {
    k8s_cluster_uid: 'uid-b',
    icos_agent_id: 'agent-b',
    icos_host_id: 'host-b',
    icos_host_name: '93111014:icosedge',
  };
  const pi = {
    k8s_cluster_uid: 'uid-n',
    icos_agent_id: 'agent-n',
    icos_host_id: 'host-n',
    icos_host_name: 'john:rasbpi',
  };
  const eth = { ...edge, device: 'eth0' };
  const gpu = { ...edge, gpu: '0', UUID: 'GPU-1' };
  const kube = { k8s_cluster_uid: 'uid-b', icos_agent_id: 'agent-b', node: 'icosedge' };
  const pod = { k8s_cluster_uid: 'uid-b', namespace: 'video', pod: 'mjpeg' };
  return `${[
    metric('tlum_orch_info', { k8s_cluster_uid: 'uid-b', type: 'ocm', agent_id: 'agent-b', agent_name: 'b' }, 1),
    metric('tlum_ocm_agent_info', { k8s_cluster_uid: 'uid-b', name: 'icos-cluster-b' }, 1),
    metric(
      'tlum_orch_info',
      { icos_host_name: 'john:rasbpi', type: 'nuvla', agent_id: 'nuvlabox/7', agent_name: 'nuvla' },
      1,
    ),
    metric(
      'node_uname_info',
      {
        ...edge,
        nodename: 'icosedge',
        net_host_name: '10.0.0.5',
        machine: 'x86_64',
        icos_alpha_latitude: 41.38,
        icos_alpha_longitude: 2.11,
      },
      1,
    ),
    metric('node_uname_info', { ...pi, nodename: 'rasbpi', net_host_name: '10.0.0.6', machine: 'aarch64' }, 1),
    metric('node_uname_info', { k8s_cluster_uid: 'self', icos_host_id: 'ctl', nodename: 'ctl', machine: 'x86_64' }, 1),
    metric('node_uname_info', { k8s_cluster_uid: 'uid-x', icos_host_id: 'x', nodename: 'stray', machine: 'x86_64' }, 1),
    metric('tlum_host_labels', { ...edge, label_color: 'green', label_zone: 'north' }, 1),
    metric('kube_node_status_capacity', { ...kube, resource: 'cpu' }, 4),
    metric('kube_node_status_capacity', { ...kube, resource: 'memory' }, 16_686_080_000),
    metric('kube_node_status_capacity', { ...kube, resource: 'pods' }, 110),
    metric('kube_node_status_capacity', { ...kube, resource: 'nvidia_com_gpu' }, 1),
    metric('node_memory_MemFree_bytes', edge, 1_000_000_000),
    metric('node_memory_MemAvailable_bytes', edge, 7_756_066_816),
    metric('node_memory_MemFree_bytes', pi, 1_557_200_896),
    metric('node_memory_MemTotal_bytes', pi, 4_000_000_000),
    ...[0, 1].map((cpu) => metric('node_cpu_frequency_max_hertz', { ...edge, cpu }, 3_600_000_000 + cpu * 1e8)),
    ...[0, 1, 2, 3].map((cpu) => metric('node_cpu_seconds_total', { ...pi, cpu, mode: 'idle' }, counter * 0.75)),
    metric('node_thermal_zone_temp', { ...edge, zone: '0', type: 'cpu' }, 41),
    metric('node_boot_time_seconds', edge, 1000),
    metric('scaph_host_energy_microjoules_total', edge, 53_179_420_000 + counter * 1e6),
    metric('SCA_score', { agent_hostname: 'icosedge', agent_ip: '10.0.0.5' }, 42),
    metric('vulnerabilities', { agent_hostname: 'icosedge', agent_ip: '10.0.0.5', severity: 'Critical' }, 6),
    metric('vulnerabilities', { agent_hostname: 'icosedge', agent_ip: '10.0.0.5', severity: 'High' }, 191),
    metric('node_network_info', { ...eth, duplex: 'full' }, 1),
    metric('node_network_up', eth, 1),
    metric('node_network_address_info', { ...eth, address: '10.0.0.5', netmask: '24' }, 1),
    metric('node_network_speed_bytes', eth, 125_000_000),
    metric('node_network_receive_bytes_total', eth, counter * 1000),
    metric('node_network_transmit_bytes_total', eth, counter * 500),
    metric('node_filesystem_size_bytes', { ...edge, mountpoint: '/', fstype: 'ext4' }, 50_000_000_000),
    metric('node_filesystem_avail_bytes', { ...edge, mountpoint: '/', fstype: 'ext4' }, 20_000_000_000),
    metric('node_filesystem_size_bytes', { ...edge, mountpoint: '/run', fstype: 'tmpfs' }, 1000),
    metric('DCGM_FI_DEV_FB_FREE', gpu, 15_000),
    metric('DCGM_FI_DEV_FB_USED', gpu, 1000),
    metric('DCGM_FI_DEV_SM_CLOCK', gpu, 1410),
    metric('DCGM_FI_DEV_GPU_TEMP', gpu, 55),
    metric('DCGM_FI_DEV_POWER_USAGE', gpu, 120),
    metric('node_mounted', { ...edge, device: 'usb-video_046d_0825', resource_path: 'squat.ai/video' }, 1),
    metric('node_mounted', { ...edge, device: 'usb-audio_1', resource_path: 'icos.eu/audio' }, 0),
    metric('node_mounted', { ...edge, device: 'usb-storage_2', resource_path: 'icos.eu/disk' }, -1),
    metric('kube_pod_info', { ...pod, pod_ip: '10.42.0.7', node: 'icosedge' }, 1),
    metric('kube_pod_info', { ...pod, namespace: 'other', pod_ip: '10.42.0.8', node: 'icosedge' }, 1),
    metric('kube_pod_info', { ...pod, pod: 'alone', pod_ip: '10.42.0.9', node: 'icosedge' }, 1),
    metric('kube_pod_status_phase', { ...pod, phase: 'Running' }, 1),
    metric('kube_pod_status_phase', { ...pod, phase: 'Pending' }, 0),
    metric('kube_pod_container_info', { ...pod, container: 'kceu', icos_host_id: 'host-b' }, 1),
    metric(
      'container_cpu_utilization_ratio',
      { k8s_cluster_uid: 'uid-b', k8s_namespace_name: 'video', k8s_pod_name: 'mjpeg', k8s_container_name: 'kceu' },
      0.01,
    ),
  ].join('\n')}\n`;
}
