// The Java client, io.fabric8:kubernetes-client, unchanged, against the cluster of KUBECONFIG: it reads the administrator's key
// by its own means, watches over WebSockets, and talks to containers by channels.
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.LocalPortForward;
import io.fabric8.kubernetes.client.Watch;
import io.fabric8.kubernetes.client.Watcher;
import io.fabric8.kubernetes.client.WatcherException;
import io.fabric8.kubernetes.client.dsl.ExecWatch;
import io.fabric8.kubernetes.client.dsl.LogWatch;
import io.fabric8.kubernetes.client.dsl.PodResource;
import io.fabric8.kubernetes.client.dsl.RollableScalableResource;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.net.HttpURLConnection;
import java.net.URL;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

public final class Main {
  private static final String NAMESPACE = "java-fabric8";
  private static final long PATIENCE_S = 60;

  private final KubernetesClient client = new KubernetesClientBuilder().build();

  public static void main(String[] args) throws Exception {
    Main suite = new Main();
    suite.client.resource(new NamespaceBuilder().withNewMetadata().withName(NAMESPACE).endMetadata().build()).create();
    suite.watch();
    suite.refusals();
    suite.pod();
    suite.rollout();
    suite.client.namespaces().withName(NAMESPACE).delete();
    // The client's threads would keep the process alive.
    System.exit(0);
  }

  private void watch() throws Exception {
    BlockingQueue<String> seen = new LinkedBlockingQueue<>();
    Watch watch = client.configMaps().inNamespace(NAMESPACE).withName("watched").watch(new Watcher<ConfigMap>() {
      @Override
      public void eventReceived(Action action, ConfigMap object) {
        seen.add(action + " " + object.getData());
      }

      @Override
      public void onClose(WatcherException cause) {
        seen.add("closed by " + cause);
      }
    });
    ConfigMap object = configMap("watched", "1");
    client.resource(object).create();
    equal("ADDED {value=1}", seen.poll(PATIENCE_S, TimeUnit.SECONDS));
    client.resource(object).edit(found -> new ConfigMapBuilder(found).addToData("value", "2").build());
    equal("MODIFIED {value=2}", seen.poll(PATIENCE_S, TimeUnit.SECONDS));
    client.resource(configMap("watched", "3")).fieldManager("suite").forceConflicts().serverSideApply();
    equal("MODIFIED {value=3}", seen.poll(PATIENCE_S, TimeUnit.SECONDS));
    client.resource(object).delete();
    equal("DELETED {value=3}", seen.poll(PATIENCE_S, TimeUnit.SECONDS));
    watch.close();
    System.out.println("ok   watch");
  }

  private void refusals() {
    client.resource(configMap("twice", "1")).create();
    try {
      client.resource(configMap("twice", "1")).create();
      throw new AssertionError("created twice");
    } catch (KubernetesClientException refused) {
      equal(409, refused.getCode());
      equal("AlreadyExists", refused.getStatus().getReason());
    }
    System.out.println("ok   refusals");
  }

  private void pod() throws Exception {
    SharedIndexInformer<Pod> informer = client.pods().inNamespace(NAMESPACE).inform();
    client.resource(new PodBuilder().withNewMetadata().withName("web").withNamespace(NAMESPACE).endMetadata().withNewSpec().addNewContainer().withName("web").withImage("nginx").addNewPort().withContainerPort(80).endPort().endContainer().endSpec().build()).create();
    PodResource pod = client.pods().inNamespace(NAMESPACE).withName("web");
    equal("Running", pod.waitUntilReady(PATIENCE_S, TimeUnit.SECONDS).getStatus().getPhase());
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream error = new ByteArrayOutputStream();
    try (ExecWatch exec = pod.writingOutput(out).writingError(error).exec("sh", "-c", "echo out; echo error >&2; exit 4")) {
      equal(4, exec.exitCode().get(PATIENCE_S, TimeUnit.SECONDS));
    }
    equal("out\n", out.toString());
    equal("error\n", error.toString());
    try (LogWatch log = pod.watchLog(); BufferedReader lines = new BufferedReader(new InputStreamReader(log.getOutput()))) {
      equal(pod.getLog().lines().findFirst().orElse(""), lines.readLine());
    }
    try (LocalPortForward forward = pod.portForward(80)) {
      equal(200, ((HttpURLConnection) new URL("http://127.0.0.1:" + forward.getLocalPort() + "/").openConnection()).getResponseCode());
    }
    pod.withGracePeriod(0).delete();
    pod.waitUntilCondition(Objects::isNull, PATIENCE_S, TimeUnit.SECONDS);
    informer.stop();
    System.out.println("ok   exec, logs and ports");
  }

  private void rollout() {
    client.load(new ByteArrayInputStream("""
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web}
        spec:
          replicas: 2
          selector: {matchLabels: {app: web}}
          template:
            metadata: {labels: {app: web}}
            spec: {containers: [{name: web, image: nginx}]}
        """.getBytes())).inNamespace(NAMESPACE).serverSideApply();
    RollableScalableResource<Deployment> web = client.apps().deployments().inNamespace(NAMESPACE).withName("web");
    web.waitUntilReady(PATIENCE_S, TimeUnit.SECONDS);
    web.scale(3);
    web.rolling().updateImage("httpd");
    web.waitUntilCondition(found -> Objects.equals(3, found.getStatus().getUpdatedReplicas()) && Objects.equals(3, found.getStatus().getReadyReplicas()), PATIENCE_S, TimeUnit.SECONDS);
    web.rolling().undo();
    equal(List.of("nginx"), web.get().getSpec().getTemplate().getSpec().getContainers().stream().map(container -> container.getImage()).toList());
    System.out.println("ok   rollouts");
  }

  private static ConfigMap configMap(String name, String value) {
    return new ConfigMapBuilder().withNewMetadata().withName(name).withNamespace(NAMESPACE).endMetadata().addToData("value", value).build();
  }

  private static void equal(Object expected, Object actual) {
    if (!Objects.equals(expected, actual)) throw new AssertionError("expected " + expected + ", got " + actual);
  }
}
