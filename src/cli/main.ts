process.stdout.write('cgroup-lens\n');
